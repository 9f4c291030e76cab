/** Geometry of the Poincaré disk, on points as pairs of numbers. */

export type Point = readonly [number, number];

/** How a geodesic runs: straight, or along a circle from one angle to another. */
export type Geodesic =
  | { kind: "line"; from: Point; to: Point }
  | {
      kind: "arc";
      centre: Point;
      radius: number;
      start: number;
      end: number;
      anticlockwise: boolean;
    };

/**
 * The geodesic between two points of the unit disk.
 *
 * Its circle meets the unit circle at right angles: 2 c·p = 1 + |p|² for both points.
 */
export function geodesic(from: Point, to: Point): Geodesic {
  const cross = from[0] * to[1] - from[1] * to[0];
  // Nearly on one diameter the circle is so large that its part here is a line.
  if (Math.abs(cross) < 1e-6) return { kind: "line", from, to };
  const one = 1 + from[0] ** 2 + from[1] ** 2;
  const other = 1 + to[0] ** 2 + to[1] ** 2;
  const centre: Point = [
    (one * to[1] - other * from[1]) / (2 * cross),
    (other * from[0] - one * to[0]) / (2 * cross),
  ];
  const start = Math.atan2(from[1] - centre[1], from[0] - centre[0]);
  const end = Math.atan2(to[1] - centre[1], to[0] - centre[0]);
  return {
    kind: "arc",
    centre,
    radius: Math.hypot(from[0] - centre[0], from[1] - centre[1]),
    start,
    end,
    // The short way: the long one leaves the disk.
    anticlockwise: wrapped(end - start) < 0,
  };
}

/** The isometry that takes `to` to the origin: (z - a) / (1 - conj(a) z). */
export function translated(point: Point, to: Point): Point {
  const [x, y] = point;
  const [a, b] = to;
  const [numerX, numerY] = [x - a, y - b];
  const [denomX, denomY] = [1 - (a * x + b * y), -(a * y - b * x)];
  const length = denomX ** 2 + denomY ** 2;
  return [
    (numerX * denomX + numerY * denomY) / length,
    (numerY * denomX - numerX * denomY) / length,
  ];
}

/** Distance in the disk of curvature -1. */
export function distance(one: Point, other: Point): number {
  const [x, y] = translated(one, other);
  return 2 * Math.atanh(Math.min(Math.hypot(x, y), 1 - 1e-12));
}

/** A point pulled inside the disk, where a pointer may have left it. */
export function inside(point: Point, most = 0.999): Point {
  const length = Math.hypot(point[0], point[1]);
  return length <= most ? point : [(point[0] * most) / length, (point[1] * most) / length];
}

/** Whether a point lies in a polygon, by the even-odd rule. */
export function inPolygon(point: Point, polygon: Point[]): boolean {
  let within = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    const crosses = yi > point[1] !== yj > point[1];
    if (crosses && point[0] < ((xj - xi) * (point[1] - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

function wrapped(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}
