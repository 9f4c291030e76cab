/** Where the three slices, and the 3-D picture, go on a canvas: as large as they fit. */

export type Plane = "xy" | "xz" | "yz" | "3-D";

export interface Tile {
  plane: Plane;
  /** Left, top, width, height, as parts of the canvas. */
  box: [number, number, number, number];
}

/** Between the pictures, in pixels. */
const GAP = 6;

/**
 * @param size Width and height of the canvas, in pixels.
 * @param extent Length of the volume along x, y, z.
 */
export function sliceLayout(
  size: readonly [number, number],
  extent: readonly [number, number, number],
  withRendering: boolean,
): Tile[] {
  const candidates = withRendering
    ? [grid(size, extent), rowOf(size, extent, true), columnOf(size, extent, true)]
    : [rowOf(size, extent, false), columnOf(size, extent, false), ...besides(size, extent)];
  return candidates.reduce((best, each) => (sides(each) > sides(best) ? each : best));
}

/** xy large, and the other two above each other beside it, smaller. */
function besides(
  [width, height]: readonly [number, number],
  [x, y, z]: readonly [number, number, number],
): Tile[][] {
  return [0.5, 0.55, 0.6, 0.65, 0.7, 0.75].map((part) => {
    const large = Math.min((width * part - GAP) / x, height / y);
    const room = width - large * x - GAP;
    const small = Math.min(large, room / Math.max(x, y), (height - GAP) / (2 * z));
    const [left, top] = centred(width, height, large * x + GAP + small * Math.max(x, y), large * y);
    const across = left + large * x + GAP;
    const [, upper] = centred(0, height, 0, 2 * small * z + GAP);
    const lower = upper + small * z + GAP;
    return placed(
      [
        ["xy", left, top, large * x, large * y],
        ["xz", across, upper, small * x, small * z],
        ["yz", across, lower, small * y, small * z],
      ],
      width,
      height,
    );
  });
}

/** xz below xy, yz beside xz: the axes run on from picture to picture; 3-D in the free corner. */
function grid(
  [width, height]: readonly [number, number],
  [x, y, z]: readonly [number, number, number],
): Tile[] {
  const scale = Math.min((width - GAP) / (x + y), (height - GAP) / (y + z));
  const [left, top] = centred(width, height, (x + y) * scale + GAP, (y + z) * scale + GAP);
  const across = left + x * scale + GAP;
  const down = top + y * scale + GAP;
  return placed(
    [
      ["xy", left, top, x * scale, y * scale],
      ["yz", across, down, y * scale, z * scale],
      ["xz", left, down, x * scale, z * scale],
      ["3-D", across, 0, width - across, down - GAP],
    ],
    width,
    height,
  );
}

function rowOf(
  [width, height]: readonly [number, number],
  [x, y, z]: readonly [number, number, number],
  withRendering: boolean,
): Tile[] {
  const gaps = withRendering ? 3 * GAP : 2 * GAP;
  const shared = withRendering ? Math.max(x, y, z) : 0;
  const scale = Math.min((width - gaps) / (2 * x + y + shared), height / Math.max(y, z));
  const wide = (2 * x + y + shared) * scale + gaps;
  const [left] = centred(width, height, wide, 0);
  const middle = (tall: number): number => (height - tall * scale) / 2;
  const tiles: [Plane, number, number, number, number][] = [
    ["xy", left, middle(y), x * scale, y * scale],
    ["xz", left + x * scale + GAP, middle(z), x * scale, z * scale],
    ["yz", left + 2 * (x * scale + GAP), middle(z), y * scale, z * scale],
  ];
  const end = left + 2 * (x * scale + GAP) + y * scale + GAP;
  if (withRendering) tiles.push(["3-D", end, 0, width - end, height]);
  return placed(tiles, width, height);
}

function columnOf(
  [width, height]: readonly [number, number],
  [x, y, z]: readonly [number, number, number],
  withRendering: boolean,
): Tile[] {
  const gaps = withRendering ? 3 * GAP : 2 * GAP;
  const shared = withRendering ? Math.max(x, y, z) : 0;
  const scale = Math.min((height - gaps) / (2 * z + y + shared), width / Math.max(x, y));
  const tall = (2 * z + y + shared) * scale + gaps;
  const [, top] = centred(width, height, 0, tall);
  const middle = (wide: number): number => (width - wide * scale) / 2;
  const tiles: [Plane, number, number, number, number][] = [
    ["xy", middle(x), top, x * scale, y * scale],
    ["xz", middle(x), top + y * scale + GAP, x * scale, z * scale],
    ["yz", middle(y), top + (y + z) * scale + 2 * GAP, y * scale, z * scale],
  ];
  const end = top + (y + 2 * z) * scale + 3 * GAP;
  if (withRendering) tiles.push(["3-D", 0, end, width, height - end]);
  return placed(tiles, width, height);
}

function centred(width: number, height: number, wide: number, tall: number): [number, number] {
  return [Math.max(0, (width - wide) / 2), Math.max(0, (height - tall) / 2)];
}

function placed(
  tiles: [Plane, number, number, number, number][],
  width: number,
  height: number,
): Tile[] {
  return tiles.map(([plane, left, top, wide, tall]) => ({
    plane,
    box: [left / width, top / height, wide / width, tall / height],
  }));
}

/** How large the slices are, by their sides: areas would be served best by a single large one. */
function sides(tiles: Tile[]): number {
  return tiles
    .filter((tile) => tile.plane !== "3-D")
    .reduce((sum, { box }) => sum + Math.sqrt(box[2] * box[3]), 0);
}
