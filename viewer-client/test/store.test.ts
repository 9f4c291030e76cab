import { beforeEach, describe, expect, test, vi } from "vitest";

import { NO_EDITS, groupPick, nodePick } from "../src/edits";
import { type Change, Store } from "../src/store";
import { smallTree } from "./small-tree";

let store: Store;

beforeEach(() => {
  store = new Store(smallTree(), { ...NO_EDITS, cut: [6, 7] });
});

describe("the store", () => {
  test("shows up to eight classes before anybody chose", () => {
    const fresh = new Store(smallTree(), NO_EDITS);
    expect([...fresh.cut].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(fresh.edits.cut).toBeNull();
  });

  test("takes a slider that is dragged as one step", () => {
    for (const level of [3, 4, 5]) store.setLevel(level);
    store.settleLevel();
    store.setLevel(2);
    store.undo();
    expect(store.cut).toHaveLength(5);
    store.undo();
    expect(store.cut).toEqual([6, 7]);
    expect(store.canUndo).toBe(false);
  });

  test("takes the level that is shown for no step", () => {
    const before = store.edits;
    store.setLevel(2);
    expect(store.edits).toBe(before);
    expect(store.canUndo).toBe(false);
  });

  test("redoes what was undone, until something else is done", () => {
    store.setLevel(3);
    store.undo();
    store.redo();
    expect(store.cut).toHaveLength(3);
    store.undo();
    store.expand([6]);
    expect(store.canRedo).toBe(false);
  });

  test("selects the parts of what was expanded, and collapses them again", () => {
    store.select([nodePick(6)]);
    store.expand([6]);
    expect(store.selection).toEqual([nodePick(5), nodePick(2)]);
    store.collapse(5);
    expect([...store.cut].sort()).toEqual([6, 7]);
    expect(store.selection).toEqual([nodePick(6)]);
  });

  test("does not collapse the root into anything", () => {
    store.setLevel(1);
    const before = store.edits;
    store.collapse(8);
    expect(store.edits).toBe(before);
  });

  test("merges what is selected, and dissolves it again", () => {
    store.select([nodePick(6), nodePick(7)]);
    store.merge();
    expect(store.selection).toEqual([groupPick(0)]);
    expect(store.table.classes).toHaveLength(1);
    expect(store.pickOf(6)).toEqual(groupPick(0));
    store.dissolve();
    expect(store.table.classes).toHaveLength(2);
    expect(store.selection).toEqual([]);
  });

  test("forgets a selected group that undo took away", () => {
    store.group([7]);
    store.undo();
    expect(store.selection).toEqual([]);
  });

  test("toggles one of several", () => {
    store.toggle(nodePick(6));
    store.toggle(nodePick(7));
    store.toggle(nodePick(6));
    expect(store.selection).toEqual([nodePick(7)]);
  });

  test("finds the class of what is pointed at", () => {
    store.point(0);
    expect(store.hoveredPick()).toEqual(nodePick(6));
    store.point(8);
    expect(store.hoveredPick()).toEqual(nodePick(8));
    store.group([7]);
    store.point(4);
    expect(store.hoveredPick()).toEqual(groupPick(0));
    store.point(null);
    expect(store.hoveredPick()).toBeNull();
  });

  test("says what changed", () => {
    const heard = vi.fn<(change: Change) => void>();
    store.onChange(heard);
    store.point(3);
    store.point(3);
    store.select([nodePick(7)]);
    store.setLevel(4);
    expect(heard.mock.calls.map(([change]) => change)).toEqual(["hover", "selection", "classes"]);
  });
});
