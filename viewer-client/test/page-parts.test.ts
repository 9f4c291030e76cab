import { describe, expect, test } from "vitest";

import { attachmentName } from "../src/api";
import { nearestToMiddle } from "../src/centres";
import { NO_EDITS, grouped, nodePick } from "../src/edits";
import { lengths, plural, short, volume } from "../src/format";
import { classRows, treeRows } from "../src/rows";
import { sliceLayout } from "../src/slice-layout";
import { shortened } from "../src/spot-strip";
import { Store } from "../src/store";
import { smallTree } from "./small-tree";

describe("numbers", () => {
  test("are short where they can be", () => {
    expect(short(1234.5)).toBe("1,230");
    expect(short(0.00001234)).toBe("1.23e-5");
    expect(short(0)).toBe("0");
    expect(volume(1500)).toBe("1,500 nm³");
    expect(volume(2.5e9)).toBe("2.5 µm³");
    expect(volume(1e18)).toBe("1 mm³");
    expect(lengths([27.2, 16, 14.4])).toBe("27.2, 16, 14.4 nm");
    expect(lengths([1e6, 2e6, 0])).toBe("1, 2, 0 mm");
    expect(plural(1, "class", "classes")).toBe("1 class");
    expect(plural(2, "piece")).toBe("2 pieces");
  });
});

describe("the rows of the tree", () => {
  test("go down to the cut, what is closed before what is open", () => {
    const store = new Store(smallTree(), { ...NO_EDITS, cut: [2, 5, 7] });
    expect(treeRows(store).map(({ pick, depth, open }) => [pick, depth, open])).toEqual([
      [nodePick(8), 0, true],
      [nodePick(7), 1, false],
      [nodePick(6), 1, true],
      [nodePick(5), 2, false],
      [nodePick(2), 2, null],
    ]);
    expect(treeRows(store)[0].name).toBe("all");
  });

  test("begin with groups, and say what went into them", () => {
    const edits = grouped(smallTree(), { ...NO_EDITS, cut: [6, 7] }, [7]);
    const rows = treeRows(new Store(smallTree(), edits));
    expect(rows[0]).toMatchObject({ name: "group 1", note: "by hand", size: 10 });
    expect(rows.find(({ pick }) => pick.kind === "node" && pick.node === 7)?.note).toBe("in group 1");
    expect(classRows(new Store(smallTree(), edits)).map(({ size }) => size)).toEqual([60, 10]);
  });
});

describe("a path", () => {
  test("keeps its ends and what surrounds the class", () => {
    const path = [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10];
    expect(shortened(path, 5)).toEqual([20, null, 16, 15, 14, null, 10]);
    expect(shortened(path, 0)).toEqual([20, 19, null, 10]);
    expect(shortened([3, 2, 1], 1)).toEqual([3, 2, 1]);
  });
});

describe("the layout of slices", () => {
  const sizes: [number, number, number][] = [
    [50, 50, 50],
    [400, 400, 40],
    [40, 400, 400],
  ];
  const cases = sizes.flatMap((extent) => [false, true].map((three) => [extent, three] as const));

  test.each(cases)("of %j (3-D: %s) keeps shapes, and nothing covers anything", (extent, three) => {
    const [width, height] = [900, 700];
    const tiles = sliceLayout([width, height], extent, three);
    expect(tiles.map(({ plane }) => plane).sort()).toEqual(
      three ? ["3-D", "xy", "xz", "yz"] : ["xy", "xz", "yz"],
    );
    const sides = { x: extent[0], y: extent[1], z: extent[2] };
    for (const { plane, box } of tiles) {
      expect(box[0]).toBeGreaterThanOrEqual(-1e-9);
      expect(box[1]).toBeGreaterThanOrEqual(-1e-9);
      expect(box[0] + box[2]).toBeLessThanOrEqual(1 + 1e-9);
      expect(box[1] + box[3]).toBeLessThanOrEqual(1 + 1e-9);
      if (plane === "3-D") continue;
      const [across, up] = [...plane] as ["x" | "y" | "z", "x" | "y" | "z"];
      expect((box[2] * width) / (box[3] * height)).toBeCloseTo(sides[across] / sides[up], 6);
    }
    for (const one of tiles) {
      for (const other of tiles) {
        if (one === other) continue;
        const apart =
          one.box[0] + one.box[2] <= other.box[0] + 1e-9 ||
          other.box[0] + other.box[2] <= one.box[0] + 1e-9 ||
          one.box[1] + one.box[3] <= other.box[1] + 1e-9 ||
          other.box[1] + other.box[3] <= one.box[1] + 1e-9;
        expect(apart).toBe(true);
      }
    }
  });
});

test("the voxel to look at lies in its part, even where the middle does not", () => {
  // A ring of label 1 around label 2.
  const labels = [1, 1, 1, 1, 2, 1, 1, 1, 1];
  const ring = nearestToMiddle(labels, [3, 3, 1], Uint8Array.from([1, 0]));
  expect(ring && labels[ring[0] + 3 * ring[1]]).toBe(1);
  expect(nearestToMiddle(labels, [3, 3, 1], Uint8Array.from([0, 1]))).toEqual([1, 1, 0]);
  expect(nearestToMiddle(labels, [3, 3, 1], Uint8Array.from([0, 0]))).toBeNull();
});

test("the name of a file that is sent is read from its header", () => {
  expect(attachmentName('attachment; filename="a b.mrc"')).toBe("a b.mrc");
  expect(attachmentName("attachment; filename*=utf-8''%C3%A4.csv")).toBe("ä.csv");
  expect(attachmentName(null)).toBeNull();
});
