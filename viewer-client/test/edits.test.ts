import { describe, expect, test } from "vitest";

import {
  NO_EDITS,
  collapsed,
  dissolved,
  expanded,
  grouped,
  groupPick,
  merged,
  nodePick,
  outermost,
  withColour,
  withName,
} from "../src/edits";
import { smallTree } from "./small-tree";

const tree = smallTree();

describe("the cut", () => {
  test("is expanded where it is asked for, and not at a leaf", () => {
    expect(expanded(tree, [6, 7], [6]).sort()).toEqual([2, 5, 7]);
    expect(expanded(tree, [3, 4, 6], [3])).toEqual([3, 4, 6]);
  });

  test("is collapsed into a node above it", () => {
    expect(collapsed(tree, [0, 1, 2, 3, 4], 6).sort()).toEqual([3, 4, 6]);
    expect(collapsed(tree, [0, 1, 2, 7], 8)).toEqual([8]);
  });

  test("is not collapsed into what lies below it", () => {
    const cut = [6, 7];
    expect(collapsed(tree, cut, 5)).toBe(cut);
  });
});

describe("names and colours", () => {
  test("are given to nodes and to groups, and taken away again", () => {
    const named = withName(NO_EDITS, nodePick(6), "  cell ");
    expect(named.names).toEqual({ 6: "cell" });
    expect(withName(named, nodePick(6), "").names).toEqual({});
    const group = withName(grouped(tree, NO_EDITS, [3]), groupPick(0), "dust");
    expect(group.groups[0].name).toBe("dust");
    expect(withColour(NO_EDITS, nodePick(2), "#123456").colours).toEqual({ 2: "#123456" });
    expect(withColour(group, groupPick(0), "#123456").groups[0].colour).toBe("#123456");
  });

  test("are no longer than the server takes", () => {
    expect(withName(NO_EDITS, nodePick(1), "x".repeat(500)).names[1]).toHaveLength(200);
  });

  test("leave what they were made from as it was", () => {
    withName(NO_EDITS, nodePick(1), "x");
    expect(NO_EDITS).toEqual({ cut: null, names: {}, colours: {}, groups: [] });
  });
});

describe("groups", () => {
  test("hold the outermost of their nodes once", () => {
    expect(outermost(tree, [0, 5, 6, 3, 3])).toEqual([3, 6]);
  });

  test("are merged of classes, and of groups among them", () => {
    const one = grouped(tree, NO_EDITS, [0]);
    const both = merged(tree, withName(one, groupPick(0), "kept"), [groupPick(0), nodePick(7)]);
    expect(both.groups).toEqual([{ nodes: [0, 7], name: "kept", colour: null }]);
  });

  test("get names that are free", () => {
    const two = grouped(tree, grouped(tree, NO_EDITS, [0]), [1]);
    const less = dissolved(two, [0]);
    expect(less.groups.map((each) => each.name)).toEqual(["group 2"]);
    expect(grouped(tree, less, [3]).groups.map((each) => each.name)).toEqual(["group 2", "group 3"]);
  });
});
