/** What is under the pointer: where it is, how bright, and its path to the root. */

import { nameOf } from "./classes";
import { byId, element } from "./dom";
import { nodePick } from "./edits";
import { count, lengths, short } from "./format";
import { pathName } from "./rows";
import type { Store } from "./store";
import type { Spot } from "./volume-view";

/** Nodes of a path that are shown; the middle of a longer one is left out. */
const MOST_SHOWN = 7;

export class SpotStrip {
  private readonly place = byId("spot-place");
  private readonly path = byId("spot-path");
  private shownLeaf: number | null = null;

  constructor(
    private readonly store: Store,
    private readonly step: number,
    private readonly voxelSizeNm: [number, number, number] | null,
  ) {
    store.onChange((change) => {
      if (change === "classes" && this.shownLeaf !== null) this.showPath(this.shownLeaf);
    });
  }

  show(spot: Spot): void {
    // The middle of the voxels that one voxel of a coarser picture stands for.
    const zyx = [...spot.voxel].reverse().map((at) => at * this.step + Math.floor(this.step / 2));
    const parts = [`z ${zyx[0]}  y ${zyx[1]}  x ${zyx[2]}`];
    const size = this.voxelSizeNm;
    if (size) parts.push(lengths(zyx.map((at, axis) => at * size[axis])));
    if (spot.intensity !== null) parts.push(`intensity ${short(spot.intensity)}`);
    this.place.textContent = parts.join("   ·   ");
    if (spot.label === 0) {
      this.shownLeaf = null;
      this.path.textContent = "outside the mask";
    } else if (spot.label - 1 !== this.shownLeaf) {
      this.showPath(spot.label - 1);
    }
  }

  private showPath(leaf: number): void {
    this.shownLeaf = leaf;
    const { store } = this;
    const whole = store.tree.path(leaf);
    const cut = new Set(store.cut);
    const at = whole.findIndex((node) => cut.has(node));
    const pick = store.classOf(leaf);
    const shown = shortened(whole, at);
    const crumbs = shown.map((node) =>
      node === null ? element("span", "crumb-gap", "…") : this.crumb(node, cut.has(node)),
    );
    if (pick.kind === "group") {
      const badge = element("button", "crumb class", `in ${nameOf(store.tree, store.edits, pick)}`);
      badge.type = "button";
      badge.addEventListener("click", () => store.select([pick]));
      crumbs.push(badge);
    }
    this.path.replaceChildren(
      ...crumbs.flatMap((crumb, index) => (index ? [element("span", "crumb-gap", "›"), crumb] : [crumb])),
    );
  }

  private crumb(node: number, isClass: boolean): HTMLElement {
    const { store } = this;
    const crumb = element("button", isClass ? "crumb class" : "crumb");
    crumb.type = "button";
    const name = pathName(store, node);
    crumb.append(name, element("small", "", count(store.tree.sizes[node])));
    crumb.title = `${name}: ${count(store.tree.sizes[node])} voxels${isClass ? ", a class" : ""}`;
    crumb.dataset.node = String(node);
    crumb.addEventListener("click", () => store.select([nodePick(node)]));
    crumb.addEventListener("pointerenter", () => store.point(node));
    return crumb;
  }
}

/** The root, what surrounds the class, and the leaf; null where some are left out. */
export function shortened(path: number[], classAt: number): (number | null)[] {
  if (path.length <= MOST_SHOWN) return path;
  const last = path.length - 1;
  const around = [0, classAt - 1, classAt, classAt + 1, last].filter(
    (at) => at >= 0 && at <= last,
  );
  const kept = [...new Set(around)].sort((one, other) => one - other);
  return kept.flatMap((at, index) =>
    index > 0 && at > kept[index - 1] + 1 ? [null, path[at]] : [path[at]],
  );
}
