/**
 * What a person decided about a tree: which cut, which names and colours, which classes by hand.
 *
 * Values here are never changed, only replaced, so that undo is a list of them. What they mean is
 * what `gyrovox.results.class_of_leaves` says: the last group that holds a leaf is its class, else
 * the node of the cut above it.
 */

import type { Tree } from "./tree";

export interface Group {
  nodes: number[];
  name: string;
  colour: string | null;
}

export interface Edits {
  /** Nodes that hold every leaf once; null until one was chosen. */
  cut: number[] | null;
  names: Record<string, string>;
  colours: Record<string, string>;
  /** Later ones win over earlier ones, and all of them over the cut. */
  groups: Group[];
}

/** A class, or a node above the classes, that a person points at. */
export type Pick = { kind: "node"; node: number } | { kind: "group"; group: number };

export const NO_EDITS: Edits = { cut: null, names: {}, colours: {}, groups: [] };
export const LONGEST_NAME = 200;

export function nodePick(node: number): Pick {
  return { kind: "node", node };
}

export function groupPick(group: number): Pick {
  return { kind: "group", group };
}

export function samePick(one: Pick, other: Pick): boolean {
  return keyOf(one) === keyOf(other);
}

export function keyOf(pick: Pick): string {
  return pick.kind === "node" ? `n${pick.node}` : `g${pick.group}`;
}

/** The nodes that a pick is made of. */
export function nodesOf(edits: Edits, pick: Pick): number[] {
  return pick.kind === "node" ? [pick.node] : (edits.groups[pick.group]?.nodes ?? []);
}

export function withCut(edits: Edits, cut: number[]): Edits {
  return { ...edits, cut };
}

/** The cut with the children of nodes in their place; leaves stay. */
export function expanded(tree: Tree, cut: number[], nodes: number[]): number[] {
  const chosen = new Set(nodes);
  return cut.flatMap((node) =>
    chosen.has(node) && !tree.isLeaf(node) ? tree.childrenOf(node) : [node],
  );
}

/** The cut with one node in the place of everything below it. */
export function collapsed(tree: Tree, cut: number[], node: number): number[] {
  const kept = cut.filter((each) => !tree.holds(node, each));
  // A node below the cut is no place to collapse into.
  return cut.some((each) => tree.holds(each, node) && each !== node) ? cut : [...kept, node];
}

export function withName(edits: Edits, pick: Pick, name: string): Edits {
  const kept = name.trim().slice(0, LONGEST_NAME);
  if (pick.kind === "group") return withGroup(edits, pick.group, { name: kept });
  const names = { ...edits.names };
  if (kept) names[pick.node] = kept;
  else delete names[pick.node];
  return { ...edits, names };
}

/** `null` gives a class back the colour of its tree. */
export function withColour(edits: Edits, pick: Pick, colour: string | null): Edits {
  if (pick.kind === "group") return withGroup(edits, pick.group, { colour });
  const colours = { ...edits.colours };
  if (colour) colours[pick.node] = colour;
  else delete colours[pick.node];
  return { ...edits, colours };
}

/** Several classes as one group, which comes last; groups among them go into it. */
export function merged(tree: Tree, edits: Edits, picks: Pick[]): Edits {
  const nodes = outermost(tree, picks.flatMap((pick) => nodesOf(edits, pick)));
  const taken = new Set(picks.flatMap((pick) => (pick.kind === "group" ? [pick.group] : [])));
  const before = [...taken].map((group) => edits.groups[group]);
  const group: Group = {
    nodes,
    name: before.find((each) => each.name)?.name ?? freshName(edits),
    colour: before.find((each) => each.colour)?.colour ?? null,
  };
  return { ...edits, groups: [...edits.groups.filter((_, index) => !taken.has(index)), group] };
}

/** A new group of nodes, which comes last. */
export function grouped(tree: Tree, edits: Edits, nodes: number[]): Edits {
  const group: Group = { nodes: outermost(tree, nodes), name: freshName(edits), colour: null };
  return { ...edits, groups: [...edits.groups, group] };
}

export function dissolved(edits: Edits, groups: number[]): Edits {
  return { ...edits, groups: edits.groups.filter((_, index) => !groups.includes(index)) };
}

/** Nodes without those that another of them holds, ascending. */
export function outermost(tree: Tree, nodes: number[]): number[] {
  const left = [...new Set(nodes)].sort(
    (one, other) => tree.first[one] - tree.first[other] || tree.end[other] - tree.end[one],
  );
  const kept: number[] = [];
  let covered = 0;
  for (const node of left) {
    if (tree.end[node] > covered) {
      kept.push(node);
      covered = tree.end[node];
    }
  }
  return kept.sort((one, other) => one - other);
}

function withGroup(edits: Edits, index: number, change: Partial<Group>): Edits {
  return {
    ...edits,
    groups: edits.groups.map((group, each) => (each === index ? { ...group, ...change } : group)),
  };
}

function freshName(edits: Edits): string {
  const taken = new Set(edits.groups.map((group) => group.name));
  let number = edits.groups.length + 1;
  while (taken.has(`group ${number}`)) number += 1;
  return `group ${number}`;
}
