import { describe, expect, test } from "vitest";

import { Tree, channels, hex } from "../src/tree";
import { smallColumns, smallTree } from "./small-tree";

describe("a tree", () => {
  const tree = smallTree();

  test("lays the leaves of every node side by side", () => {
    const below = (node: number): number[] =>
      node < 5 ? [node] : tree.childrenOf(node).flatMap(below);
    for (let node = 0; node < tree.nNodes; node++) {
      expect([...tree.leavesOf(node)].sort()).toEqual(below(node).sort());
    }
  });

  test("names the larger child first", () => {
    expect(tree.childrenOf(5)).toEqual([1, 0]);
    expect(tree.childrenOf(7)).toEqual([4, 3]);
    expect(tree.childrenOf(2)).toEqual([]);
  });

  test("knows what holds what", () => {
    expect(tree.holds(6, 0)).toBe(true);
    expect(tree.holds(6, 6)).toBe(true);
    expect(tree.holds(0, 6)).toBe(false);
    expect(tree.holds(7, 2)).toBe(false);
  });

  test("goes from the root to a leaf", () => {
    expect(tree.path(1)).toEqual([8, 6, 5, 1]);
    expect(tree.path(8)).toEqual([8]);
  });

  test.each([
    [1, [8]],
    [2, [6, 7]],
    [3, [3, 4, 6]],
    [4, [2, 3, 4, 5]],
    [5, [0, 1, 2, 3, 4]],
    [9, [0, 1, 2, 3, 4]],
  ])("cut into %i is what is left when merges are undone from the coarsest", (classes, nodes) => {
    expect(tree.horizontalCut(classes).sort()).toEqual(nodes);
  });

  test("holds leaves by the fewest nodes", () => {
    expect(tree.nodesHolding([0, 1, 2, 3])).toEqual([3, 6]);
    expect(tree.nodesHolding([0, 1, 2, 3, 4])).toEqual([8]);
    expect(tree.nodesHolding([])).toEqual([]);
  });

  test("takes a root without a parent for its own", () => {
    const columns = smallColumns();
    columns.parents[8] = -1;
    expect(new Tree(columns).path(0)).toEqual([8, 6, 5, 0]);
  });
});

test("a colour goes to channels and back", () => {
  expect(channels("#0a80ff")).toEqual([10, 128, 255]);
  expect(hex(...channels("#0a80ff"))).toBe("#0a80ff");
});
