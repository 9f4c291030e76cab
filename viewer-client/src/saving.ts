/** Keeps what was decided at the server: a little after every change, and when the page goes. */

import { ServerError, writeEdits } from "./api";
import type { Edits } from "./edits";

export type SaveState = "saved" | "waiting" | "saving" | "failed" | "conflict";

const DELAY_MS = 350;

export class Saving {
  private timer: number | null = null;
  private running = false;
  private wanted: Edits | null = null;
  private current: SaveState = "saved";

  constructor(
    private readonly result: number,
    private revision: number,
    private readonly onState: (state: SaveState, message: string | null) => void,
  ) {
    window.addEventListener("pagehide", () => this.flush());
  }

  get state(): SaveState {
    return this.current;
  }

  /** Revision that the next change is made from. */
  get madeFrom(): number {
    return this.revision;
  }

  changed(edits: Edits): void {
    this.wanted = edits;
    if (this.current === "conflict") return;
    this.set("waiting");
    if (this.timer !== null) window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.save(), DELAY_MS);
  }

  /** Write over what somebody else saved meanwhile. */
  async overwrite(revision: number): Promise<void> {
    this.revision = revision;
    await this.save();
  }

  /** What somebody else saved stays: nothing of this page is sent any more. */
  forget(): void {
    this.wanted = null;
    if (this.timer !== null) window.clearTimeout(this.timer);
  }

  stop(): void {
    if (this.timer !== null) window.clearTimeout(this.timer);
    this.flush();
  }

  private async save(): Promise<void> {
    if (this.running || this.wanted === null) return;
    const edits = this.wanted;
    this.wanted = null;
    this.running = true;
    this.set("saving");
    try {
      this.revision = await writeEdits(this.result, { ...edits, revision: this.revision });
      this.set("saved");
    } catch (error) {
      this.wanted ??= edits;
      const conflict = error instanceof ServerError && error.status === 409;
      this.set(conflict ? "conflict" : "failed", (error as Error).message);
      return;
    } finally {
      this.running = false;
    }
    if (this.wanted !== null) await this.save();
  }

  /** The page is going: what waits is sent without waiting for an answer. */
  private flush(): void {
    if (this.wanted === null || this.running || this.current === "conflict") return;
    const edits = this.wanted;
    this.wanted = null;
    writeEdits(this.result, { ...edits, revision: this.revision }, true).catch(() => undefined);
  }

  private set(state: SaveState, message: string | null = null): void {
    this.current = state;
    this.onState(state, message);
  }
}
