import { describe, expect, test } from "vitest";

import { classTable, colourTable, litLeaves } from "../src/classes";
import { NO_EDITS, grouped, groupPick, nodePick, withColour, withName } from "../src/edits";
import { smallTree } from "./small-tree";

const tree = smallTree();

describe("the classes", () => {
  test("are those of the cut, the largest first", () => {
    const table = classTable(tree, NO_EDITS, [3, 4, 6]);
    expect(table.classes.map(({ pick, size }) => [pick, size])).toEqual([
      [nodePick(6), 60],
      [nodePick(4), 7],
      [nodePick(3), 3],
    ]);
    expect([...table.ofLeaf]).toEqual([0, 0, 0, 2, 1]);
  });

  test("give leaves to groups, the last first, and go when nothing is left", () => {
    const one = grouped(tree, NO_EDITS, [7, 2]);
    const two = grouped(tree, one, [2]);
    const table = classTable(tree, two, [2, 5, 7]);
    expect(table.classes.map(({ pick, size }) => [pick, size])).toEqual([
      [nodePick(5), 40],
      [groupPick(1), 20],
      [groupPick(0), 10],
    ]);
    expect([...table.ofLeaf]).toEqual([0, 0, 1, 2, 2]);
  });

  test("are called by name, or by number as files count", () => {
    const edits = withName(grouped(tree, NO_EDITS, [2]), nodePick(7), "dust");
    const names = classTable(tree, edits, [2, 5, 7]).classes.map(({ name }) => name);
    expect(names).toEqual(["node 6", "group 1", "dust"]);
    const unnamed = withName(edits, groupPick(0), "");
    expect(classTable(tree, unnamed, [2, 5, 7]).classes[1].name).toBe("node 3");
  });

  test("have the colour that was chosen, or that of the tree", () => {
    const edits = withColour(grouped(tree, NO_EDITS, [3, 2]), nodePick(5), "#0000ff");
    const colours = classTable(tree, edits, [2, 5, 7]).classes.map(({ colour }) => colour);
    expect(colours).toEqual([
      [0, 0, 255],
      [0x30, 0, 0],
      [0x80, 0, 0],
    ]);
  });
});

describe("the colour table", () => {
  const table = classTable(tree, NO_EDITS, [6, 7]);
  const opacities = (colours: Uint8Array): number[] => [4, 8, 12, 16, 20].map((at) => colours[at + 3]);

  test("has a colour for every label, and none for 0", () => {
    const colours = colourTable(table, 0.5, null);
    expect([...colours.slice(0, 4)]).toEqual([0, 0, 0, 0]);
    expect([...colours.slice(4, 8)]).toEqual([0x70, 0, 0, 128]);
    expect([...colours.slice(16, 20)]).toEqual([0x80, 0, 0, 128]);
  });

  test("dims what is not selected", () => {
    const lit = litLeaves(tree, NO_EDITS, table, [nodePick(7)]);
    expect([...(lit ?? [])]).toEqual([0, 0, 0, 1, 1]);
    const [off, , , on] = opacities(colourTable(table, 0.5, lit));
    expect(off).toBeLessThan(20);
    expect(on).toBeGreaterThan(180);
  });

  test("hides nothing in 3-D behind what is not selected", () => {
    const lit = litLeaves(tree, NO_EDITS, table, [nodePick(7)]);
    expect(opacities(colourTable(table, 0.5, lit, true)).slice(0, 3)).toEqual([0, 0, 0]);
    expect(opacities(colourTable(table, 0.5, null, true))).toEqual([0, 0, 0, 128, 128]);
  });

  test("leaves all large classes clear in 3-D, but not everything", () => {
    const four = classTable(tree, NO_EDITS, [0, 1, 2, 7]);
    expect(opacities(colourTable(four, 0.5, null, true))).toEqual([0, 0, 0, 128, 128]);
    const one = classTable(tree, NO_EDITS, [8]);
    expect(opacities(colourTable(one, 0.5, null, true))).toEqual([128, 128, 128, 128, 128]);
  });
});

describe("what a selection lights", () => {
  test("is nothing, where nothing is selected", () => {
    expect(litLeaves(tree, NO_EDITS, classTable(tree, NO_EDITS, [8]), [])).toBeNull();
  });

  test("is what lies below a node above or below the cut", () => {
    const table = classTable(tree, NO_EDITS, [6, 7]);
    expect([...(litLeaves(tree, NO_EDITS, table, [nodePick(8)]) ?? [])]).toEqual([1, 1, 1, 1, 1]);
    expect([...(litLeaves(tree, NO_EDITS, table, [nodePick(5)]) ?? [])]).toEqual([1, 1, 0, 0, 0]);
  });

  test("is of a class only what groups left to it", () => {
    const edits = grouped(tree, NO_EDITS, [2]);
    const table = classTable(tree, edits, [6, 7]);
    expect([...(litLeaves(tree, edits, table, [nodePick(6)]) ?? [])]).toEqual([1, 1, 0, 0, 0]);
    expect([...(litLeaves(tree, edits, table, [groupPick(0)]) ?? [])]).toEqual([0, 0, 1, 0, 0]);
  });
});
