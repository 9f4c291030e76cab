/** The classes that a cut and the groups over it make, and the colour table of the leaves. */

import { type Edits, type Pick, groupPick, keyOf, nodePick } from "./edits";
import { type Tree, channels } from "./tree";

export interface ClassEntry {
  pick: Pick;
  name: string;
  /** Red, green, blue, 0 to 255. */
  colour: [number, number, number];
  /** Voxels. */
  size: number;
  leaves: number;
}

export interface ClassTable {
  /** The largest first. */
  classes: ClassEntry[];
  /** Index into `classes` of every leaf. */
  ofLeaf: Int32Array;
}

export function classTable(tree: Tree, edits: Edits, cut: number[]): ClassTable {
  const picks: Pick[] = cut.map(nodePick);
  const owner = new Int32Array(tree.nLeaves);
  cut.forEach((node, index) => {
    for (const leaf of tree.leavesOf(node)) owner[leaf] = index;
  });
  edits.groups.forEach((group, index) => {
    picks.push(groupPick(index));
    for (const node of group.nodes) {
      for (const leaf of tree.leavesOf(node)) owner[leaf] = picks.length - 1;
    }
  });
  const size = new Float64Array(picks.length);
  const leaves = new Int32Array(picks.length);
  owner.forEach((of, leaf) => {
    size[of] += tree.sizes[leaf];
    leaves[of] += 1;
  });
  // A class whose leaves all went into groups is none.
  const order = picks
    .map((_, index) => index)
    .filter((index) => leaves[index] > 0)
    .sort((one, other) => size[other] - size[one] || one - other);
  const renumbered = new Int32Array(picks.length).fill(-1);
  order.forEach((index, position) => {
    renumbered[index] = position;
  });
  return {
    classes: order.map((index) => ({
      pick: picks[index],
      name: nameOf(tree, edits, picks[index]),
      colour: colourOf(tree, edits, picks[index]),
      size: size[index],
      leaves: leaves[index],
    })),
    ofLeaf: owner.map((of) => renumbered[of]),
  };
}

/** What a person called it, or its number as `tree.json` counts: from 1 on. */
export function nameOf(tree: Tree, edits: Edits, pick: Pick): string {
  if (pick.kind === "node") return edits.names[pick.node] || `node ${pick.node + 1}`;
  const group = edits.groups[pick.group];
  return group.name || `node ${largestOf(tree, group.nodes) + 1}`;
}

export function colourOf(tree: Tree, edits: Edits, pick: Pick): [number, number, number] {
  if (pick.kind === "node") {
    const chosen = edits.colours[pick.node];
    return chosen ? channels(chosen) : nodeColour(tree, pick.node);
  }
  const group = edits.groups[pick.group];
  // That of its largest part: it stays where most of it was.
  return group.colour ? channels(group.colour) : nodeColour(tree, largestOf(tree, group.nodes));
}

function largestOf(tree: Tree, nodes: number[]): number {
  return nodes.reduce((one, other) => (tree.sizes[other] > tree.sizes[one] ? other : one));
}

function nodeColour(tree: Tree, node: number): [number, number, number] {
  return [tree.colours[3 * node], tree.colours[3 * node + 1], tree.colours[3 * node + 2]];
}

/** Which leaves a selection lights; null where nothing is selected. */
export function litLeaves(
  tree: Tree,
  edits: Edits,
  table: ClassTable,
  picks: Pick[],
): Uint8Array | null {
  if (picks.length === 0) return null;
  const lit = new Uint8Array(tree.nLeaves);
  const classes = new Map(table.classes.map((each, index) => [keyOf(each.pick), index]));
  for (const pick of picks) {
    const index = classes.get(keyOf(pick));
    if (index !== undefined) {
      table.ofLeaf.forEach((of, leaf) => {
        if (of === index) lit[leaf] = 1;
      });
    } else if (pick.kind === "node") {
      for (const leaf of tree.leavesOf(pick.node)) lit[leaf] = 1;
    } else {
      for (const node of edits.groups[pick.group]?.nodes ?? []) {
        for (const leaf of tree.leavesOf(node)) lit[leaf] = 1;
      }
    }
  }
  return lit;
}

/** How much of a colour is left of what is not selected. */
const DIMMED = 0.14;
/** Of all voxels: classes of more than that surround the others. */
const LARGE = 0.1;

/**
 * Red, green, blue, opacity of every label: 0 is no leaf, label n is leaf n - 1.
 *
 * @param opacity 0 to 1, of a class that is not dimmed.
 * @param lit 1 for every leaf that is selected; null where nothing is.
 * @param seenThrough Whether what is not selected hides nothing, for a picture in 3-D; where
 *   nothing is selected, that is every large class, since they mostly surround the others.
 */
export function colourTable(
  table: ClassTable,
  opacity: number,
  lit: Uint8Array | null,
  seenThrough = false,
): Uint8Array<ArrayBuffer> {
  const colours = new Uint8Array(4 * (table.ofLeaf.length + 1));
  const full = Math.round(255 * opacity);
  // What is pointed at is seen through only a little, however faint the rest was set.
  const bright = Math.round(255 * Math.max(opacity, 0.75));
  const clear = seenThrough ? largeClasses(table) : 0;
  const faint = seenThrough ? 0 : Math.round(255 * opacity * DIMMED);
  table.ofLeaf.forEach((of, leaf) => {
    const { colour } = table.classes[of];
    const at = 4 * (leaf + 1);
    colours[at] = colour[0];
    colours[at + 1] = colour[1];
    colours[at + 2] = colour[2];
    if (lit !== null) colours[at + 3] = lit[leaf] ? bright : faint;
    else colours[at + 3] = of < clear ? 0 : full;
  });
  return colours;
}

/** How many of the classes, which come by size, are too large to be seen past; never all. */
function largeClasses(table: ClassTable): number {
  const all = table.classes.reduce((sum, { size }) => sum + size, 0);
  const large = table.classes.filter(({ size }) => size > LARGE * all).length;
  return Math.min(Math.max(large, 1), table.classes.length - 1);
}
