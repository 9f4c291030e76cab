/** The voxel to look at for a part of the volume: the one of it that is nearest to its middle. */

import type { Voxel } from "./volume-view";

/**
 * @param labels Label of every voxel, x fastest; leaf n is label n + 1.
 * @param shape Voxels along x, y, z.
 * @param lit 1 for every leaf that counts.
 */
export function nearestToMiddle(
  labels: ArrayLike<number>,
  shape: Voxel,
  lit: Uint8Array,
): Voxel | null {
  const [nx, ny, nz] = shape;
  let [n, sumX, sumY, sumZ] = [0, 0, 0, 0];
  const each = (use: (x: number, y: number, z: number) => void): void => {
    let at = 0;
    for (let z = 0; z < nz; z++) {
      for (let y = 0; y < ny; y++) {
        for (let x = 0; x < nx; x++, at++) {
          const label = labels[at];
          if (label > 0 && lit[label - 1]) use(x, y, z);
        }
      }
    }
  };
  each((x, y, z) => {
    n += 1;
    sumX += x;
    sumY += y;
    sumZ += z;
  });
  if (n === 0) return null;
  const middle = [sumX / n, sumY / n, sumZ / n];
  let best: Voxel | null = null;
  let least = Infinity;
  each((x, y, z) => {
    const away = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 + (z - middle[2]) ** 2;
    if (away < least) {
      least = away;
      best = [x, y, z];
    }
  });
  return best;
}
