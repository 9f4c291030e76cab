/** What the person must know: errors in a banner that can be put away. */

import { byId, element } from "./dom";

const NOTE_MS = 8000;

export function tell(message: string, kind: "error" | "note" = "error"): void {
  const notices = byId("notices");
  const shown = [...notices.children].some((each) => each.firstChild?.textContent === message);
  if (shown) return;
  const notice = element("div", `notice ${kind}`);
  const close = element("button", "icon", "×");
  close.type = "button";
  close.setAttribute("aria-label", "Put away");
  close.addEventListener("click", () => notice.remove());
  notice.append(element("span", "", message), close);
  notices.append(notice);
  if (kind === "note") window.setTimeout(() => notice.remove(), NOTE_MS);
}

export function tellError(error: unknown): void {
  tell(error instanceof Error ? error.message : String(error));
}

/** Errors that nobody caught are told, too. */
export function watchErrors(): void {
  window.addEventListener("error", (event) => {
    // Browsers report a resize that took two rounds as an error; nothing is wrong.
    if (!event.message.startsWith("ResizeObserver")) tellError(event.error ?? event.message);
  });
  window.addEventListener("unhandledrejection", (event) => tellError(event.reason));
}
