import { describe, expect, test } from "vitest";

import {
  type Point,
  distance,
  geodesic,
  inPolygon,
  inside,
  translated,
} from "../src/disk-geometry";

const PAIRS: [Point, Point][] = [
  [[0.5, 0.1], [-0.2, 0.7]],
  [[0.9, 0], [0, -0.9]],
  [[-0.3, -0.4], [0.6, 0.6]],
];

/** By arcosh, as Nickel & Kiela (2017), eq. 1, have it. */
function reference(one: Point, other: Point): number {
  const square = ([x, y]: Point): number => x * x + y * y;
  const gap = square([one[0] - other[0], one[1] - other[1]]);
  return Math.acosh(1 + (2 * gap) / ((1 - square(one)) * (1 - square(other))));
}

describe("a translation", () => {
  test.each(PAIRS)("keeps distances and takes a point to the middle: %j %j", (one, other) => {
    const to: Point = [0.3, -0.5];
    expect(distance(one, other)).toBeCloseTo(reference(one, other), 9);
    expect(reference(translated(one, to), translated(other, to))).toBeCloseTo(reference(one, other), 9);
    expect(translated(one, one)).toEqual([0, 0]);
  });
});

describe("a geodesic", () => {
  test.each(PAIRS)("meets the rim at right angles, and is as short as it gets: %j %j", (one, other) => {
    const arc = geodesic(one, other);
    if (arc.kind !== "arc") throw new Error("these points are on no diameter");
    const [x, y] = arc.centre;
    expect(x * x + y * y).toBeCloseTo(1 + arc.radius ** 2, 9);
    // A chain of steps along it is as long as the straight way.
    let sweep = arc.end - arc.start;
    if (arc.anticlockwise && sweep > 0) sweep -= 2 * Math.PI;
    if (!arc.anticlockwise && sweep < 0) sweep += 2 * Math.PI;
    const at = (part: number): Point => [
      x + arc.radius * Math.cos(arc.start + part * sweep),
      y + arc.radius * Math.sin(arc.start + part * sweep),
    ];
    let length = 0;
    for (let step = 0; step < 400; step++) length += reference(at(step / 400), at((step + 1) / 400));
    expect(length).toBeCloseTo(reference(one, other), 3);
    expect(at(0)[0]).toBeCloseTo(one[0], 9);
    expect(at(1)[1]).toBeCloseTo(other[1], 9);
  });

  test("through the middle is a line", () => {
    expect(geodesic([0.5, 0.25], [-0.2, -0.1]).kind).toBe("line");
  });
});

test("a point that left the disk is pulled back", () => {
  expect(Math.hypot(...inside([3, 4]))).toBeCloseTo(0.999);
  expect(inside([0.1, 0.2])).toEqual([0.1, 0.2]);
});

test("a lasso catches what is within it, however it is bent", () => {
  const hook: Point[] = [[0, 0], [10, 0], [10, 10], [8, 10], [8, 2], [0, 2]];
  expect(inPolygon([1, 1], hook)).toBe(true);
  expect(inPolygon([9, 9], hook)).toBe(true);
  expect(inPolygon([5, 5], hook)).toBe(false);
  expect(inPolygon([-1, 1], hook)).toBe(false);
});
