/** Keys of the whole page, and the overlay that lists them. */

import { byId, element } from "./dom";

export interface KeyAction {
  /** As `KeyboardEvent.key` says; letters in lower case. */
  keys: string[];
  /** What the overlay shows; left out, it is listed elsewhere. */
  shown?: string;
  does?: string;
  withControl?: boolean;
  withShift?: boolean;
  run: () => void;
}

const GESTURES: [string, string][] = [
  ["Click a voxel, point or row", "select its class; its voxels are lit"],
  ["Shift-click", "select several"],
  ["Wheel on a slice", "through the slices; with Ctrl, larger and smaller"],
  ["Right-drag on a slice", "move it; a double-click moves it back"],
  ["Drag on the disk", "move it; distances stay true"],
  ["Wheel on the disk", "larger, smaller"],
  ["Double-click on the disk", "that point to the middle; beside a point: the whole tree"],
  ["Arrows in the tree", "up, down, → expand, ← collapse"],
];

export function listenToKeys(actions: KeyAction[], signal: AbortSignal): void {
  window.addEventListener(
    "keydown",
    (event) => {
      const target = event.target as HTMLElement | null;
      const typing = target?.matches("input[type=text], input[type=number], select, textarea");
      if (typing || document.querySelector("dialog[open]")) return;
      // A slider has use for arrows itself.
      if (target?.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
      const control = event.ctrlKey || event.metaKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const action = actions.find(
        (each) =>
          each.keys.includes(key) &&
          (each.withControl ?? false) === control &&
          (each.withShift === undefined || each.withShift === event.shiftKey),
      );
      if (!action || event.altKey) return;
      event.preventDefault();
      action.run();
    },
    { signal },
  );
}

export function listKeys(actions: KeyAction[]): void {
  const lines = [
    ...actions.flatMap((each): [string, string][] =>
      each.shown && each.does ? [[each.shown, each.does]] : [],
    ),
    ...GESTURES,
  ];
  const list = element("dl");
  for (const [keys, does] of lines) {
    const line = element("div");
    line.append(element("dt", "", keys), element("dd", "", does));
    list.append(line);
  }
  byId("help-keys").replaceChildren(list);
}
