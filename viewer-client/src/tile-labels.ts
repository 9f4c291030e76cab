/** Names of the slices, in their corners. */

import { element } from "./dom";
import type { Tile } from "./slice-layout";

export class TileLabels {
  constructor(private readonly container: HTMLElement) {}

  show(tiles: Tile[]): void {
    this.container.replaceChildren(
      ...tiles.map(({ plane, box }) => {
        const frame = element("div", "tile");
        frame.dataset.plane = plane;
        const label = element("span", "tile-label");
        if (plane === "3-D") label.textContent = "3-D · drag to turn";
        else {
          // Across, then up.
          label.append(element("b", "", plane[0]), "→ ", element("b", "", plane[1]), "↑");
        }
        frame.append(label);
        frame.style.left = `${100 * box[0]}%`;
        frame.style.top = `${100 * box[1]}%`;
        frame.style.width = `${100 * box[2]}%`;
        frame.style.height = `${100 * box[3]}%`;
        return frame;
      }),
    );
  }
}
