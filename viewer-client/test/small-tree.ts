/** A tree that fits on a page, for the tests. */

import type { TreeColumns } from "../src/api";
import { Tree } from "../src/tree";

export function smallTree(): Tree {
  return new Tree(smallColumns());
}

/** Leaves 0 1 2 3 4; 5 = 0 + 1, 6 = 5 + 2, 7 = 3 + 4, 8 = 6 + 7. */
export function smallColumns(): TreeColumns {
  const parents = [5, 5, 6, 7, 7, 6, 8, 8, 8];
  const sizes = [10, 30, 20, 3, 7, 40, 60, 10, 70];
  const altitudes = [0, 0, 0, 0, 0, 1, 2, 3, 4];
  const none = sizes.map(() => 0);
  return {
    curvature: -1,
    n_leaves: 5,
    parents,
    altitudes,
    sizes,
    volume_nm3: null,
    spreads: none,
    contrasts: none,
    radii: none,
    depths: [3, 3, 2, 2, 2, 2, 1, 1, 0],
    stabilities: none,
    disk: sizes.map((_, node) => [0.1 * node - 0.4, 0.05 * node]),
    colours: ["#100000", "#200000", "#300000", "#400000", "#500000", "#600000", "#700000", "#800000", "#900000"],
    is_disk: true,
    suggested_levels: [2, 3],
    levels: [2, 4],
    merge_order: [8, 7, 6, 5],
  };
}
