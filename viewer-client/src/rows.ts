/** The rows of the two lists: the tree down to its classes, and the classes by size. */

import { type Pick, groupPick, nodePick } from "./edits";
import { colourOf, nameOf } from "./classes";
import type { Store } from "./store";

export interface Row {
  pick: Pick;
  depth: number;
  /** Whether its parts are shown below it; null where it has none. */
  open: boolean | null;
  /** Whether it is a class of the cut, and no longer a node above it. */
  isClass: boolean;
  name: string;
  /** Whether a person named it. */
  named: boolean;
  colour: [number, number, number];
  /** Voxels. */
  size: number;
  /** What took all or some of its leaves, where groups did. */
  note: string;
}

/** The groups, and below them the tree from the root down to the cut. */
export function treeRows(store: Store): Row[] {
  const { tree, edits } = store;
  const rows = store.table.classes
    .filter(({ pick }) => pick.kind === "group")
    .map((each) => classRow(store, each.pick, each.size));
  const cut = new Set(store.cut);
  const left: [number, number][] = [[tree.root, 0]];
  while (left.length > 0) {
    const [node, depth] = left.pop() as [number, number];
    const isClass = cut.has(node);
    const taken = isClass ? taker(store, node) : null;
    rows.push({
      pick: nodePick(node),
      depth,
      open: tree.isLeaf(node) ? null : !isClass,
      isClass,
      name: pathName(store, node),
      named: edits.names[node] !== undefined,
      colour: colourOf(tree, edits, taken ?? nodePick(node)),
      size: tree.sizes[node],
      note: taken ? `in ${nameOf(tree, edits, taken)}` : "",
    });
    if (!isClass) {
      // What is closed comes first: where small classes part one by one from a large branch, each
      // stands below what it parted from.
      const parts = tree.childrenOf(node).sort((one, other) => +cut.has(other) - +cut.has(one));
      left.push([parts[1], depth + 1], [parts[0], depth + 1]);
    }
  }
  return rows;
}

/** The name of a node on the way down; the root, which nobody need name, is all. */
export function pathName(store: Store, node: number): string {
  const plain = node === store.tree.root && !store.edits.names[node] && !store.cut.includes(node);
  return plain ? "all" : nameOf(store.tree, store.edits, nodePick(node));
}

/** The classes, the largest first. */
export function classRows(store: Store): Row[] {
  return store.table.classes.map(({ pick, size }) => classRow(store, pick, size));
}

function classRow(store: Store, pick: Pick, size: number): Row {
  const { tree, edits } = store;
  const named =
    pick.kind === "node" ? edits.names[pick.node] !== undefined : edits.groups[pick.group].name !== "";
  return {
    pick,
    depth: 0,
    open: pick.kind === "node" && !tree.isLeaf(pick.node) ? false : null,
    isClass: true,
    name: nameOf(tree, edits, pick),
    named,
    colour: colourOf(tree, edits, pick),
    size,
    note: pick.kind === "group" ? "by hand" : "",
  };
}

/** The group that has all leaves of a node; null where none has. */
function taker(store: Store, node: number): Pick | null {
  if (store.edits.groups.length === 0) return null;
  let found: Pick | null = null;
  for (const leaf of store.tree.leavesOf(node)) {
    const pick = store.classOf(leaf);
    if (pick.kind === "node") return null;
    found ??= groupPick(pick.group);
  }
  return found;
}
