/** A binary tree of segments: leaves first, children before parents, the root last. */

import type { TreeColumns } from "./api";

export class Tree {
  readonly parents: Int32Array;
  readonly sizes: Float64Array;
  readonly altitudes: Float64Array;
  readonly depths: Int32Array;
  /** Two per node, the larger first; -1 for leaves. */
  readonly children: Int32Array;
  /** Leaves from left to right: those of a node lie side by side. */
  readonly leafOrder: Int32Array;
  /** Where the leaves of a node begin in `leafOrder`, and where they end. */
  readonly first: Int32Array;
  readonly end: Int32Array;
  /** Place of a leaf in `leafOrder`. */
  readonly place: Int32Array;
  /** Two coordinates per node, in the unit disk. */
  readonly disk: Float64Array;
  /** Red, green, blue of every node, 0 to 255. */
  readonly colours: Uint8Array;
  readonly nLeaves: number;

  constructor(readonly columns: TreeColumns) {
    const nodes = columns.parents.length;
    this.nLeaves = columns.n_leaves;
    this.parents = Int32Array.from(columns.parents);
    // The root is its own parent here, whatever the server calls "none".
    this.parents[nodes - 1] = nodes - 1;
    this.sizes = Float64Array.from(columns.sizes);
    this.altitudes = Float64Array.from(columns.altitudes);
    this.depths = Int32Array.from(columns.depths);
    this.disk = Float64Array.from(columns.disk.flat());
    this.colours = Uint8Array.from(columns.colours.flatMap(channels));
    this.children = this.findChildren();
    this.leafOrder = new Int32Array(this.nLeaves);
    this.place = new Int32Array(this.nLeaves);
    this.first = new Int32Array(nodes);
    this.end = new Int32Array(nodes);
    this.orderLeaves();
  }

  get nNodes(): number {
    return this.parents.length;
  }

  get root(): number {
    return this.parents.length - 1;
  }

  /** Whether points lie in the Poincaré disk; else in a plane, scaled to the same size. */
  get isHyperbolic(): boolean {
    return this.columns.curvature < 0;
  }

  isLeaf(node: number): boolean {
    return node < this.nLeaves;
  }

  /** The two children, the larger first; none for a leaf. */
  childrenOf(node: number): number[] {
    return this.isLeaf(node) ? [] : [this.children[2 * node], this.children[2 * node + 1]];
  }

  /** Whether `node` is `other`, or above it. */
  holds(node: number, other: number): boolean {
    return this.first[node] <= this.first[other] && this.end[other] <= this.end[node];
  }

  leavesOf(node: number): Int32Array {
    return this.leafOrder.subarray(this.first[node], this.end[node]);
  }

  /** The nodes from the root down to one, both included. */
  path(node: number): number[] {
    const upwards = [node];
    while (node !== this.root) {
      node = this.parents[node];
      upwards.push(node);
    }
    return upwards.reverse();
  }

  /** The cut with so many classes: the last merges undone. */
  horizontalCut(classes: number): number[] {
    const cut = new Set([this.root]);
    const undone = Math.min(classes, this.nLeaves) - 1;
    for (const merge of this.columns.merge_order.slice(0, undone)) {
      cut.delete(merge);
      cut.add(this.children[2 * merge]);
      cut.add(this.children[2 * merge + 1]);
    }
    return [...cut];
  }

  /** The fewest nodes that together hold exactly these leaves. */
  nodesHolding(leaves: Iterable<number>): number[] {
    const inside = new Uint8Array(this.nNodes);
    for (const leaf of leaves) inside[leaf] = 1;
    for (let node = this.nLeaves; node < this.nNodes; node++) {
      inside[node] = inside[this.children[2 * node]] & inside[this.children[2 * node + 1]];
    }
    const found: number[] = [];
    for (let node = 0; node < this.nNodes; node++) {
      if (inside[node] && (node === this.root || !inside[this.parents[node]])) found.push(node);
    }
    return found;
  }

  private findChildren(): Int32Array {
    const children = new Int32Array(2 * this.nNodes).fill(-1);
    for (let node = 0; node < this.root; node++) {
      const slot = 2 * this.parents[node];
      children[children[slot] < 0 ? slot : slot + 1] = node;
    }
    for (let node = this.nLeaves; node < this.nNodes; node++) {
      const [one, other] = [children[2 * node], children[2 * node + 1]];
      if (this.sizes[other] > this.sizes[one]) {
        children[2 * node] = other;
        children[2 * node + 1] = one;
      }
    }
    return children;
  }

  private orderLeaves(): void {
    const counts = new Int32Array(this.nNodes).fill(1, 0, this.nLeaves);
    for (let node = 0; node < this.root; node++) counts[this.parents[node]] += counts[node];
    // Parents come after their children in number, so downwards is backwards.
    this.end[this.root] = this.nLeaves;
    for (let node = this.root; node >= this.nLeaves; node--) {
      const [one, other] = [this.children[2 * node], this.children[2 * node + 1]];
      this.first[one] = this.first[node];
      this.end[one] = this.first[other] = this.first[node] + counts[one];
      this.end[other] = this.end[node];
    }
    for (let leaf = 0; leaf < this.nLeaves; leaf++) {
      this.leafOrder[this.first[leaf]] = leaf;
      this.place[leaf] = this.first[leaf];
    }
  }
}

/** Red, green, blue of "#rrggbb", 0 to 255. */
export function channels(colour: string): [number, number, number] {
  const packed = Number.parseInt(colour.slice(1), 16);
  return [(packed >> 16) & 255, (packed >> 8) & 255, packed & 255];
}

/** "#rrggbb" of three channels, 0 to 255. */
export function hex(red: number, green: number, blue: number): string {
  return `#${((1 << 24) | (red << 16) | (green << 8) | blue).toString(16).slice(1)}`;
}
