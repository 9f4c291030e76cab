"""Boundaries of regions, redrawn voxel by voxel.

Basins follow the ridges of smoothed evidence, which lie beside the boundaries of small objects.
Once it is known which regions there are, every voxel at a boundary can say to which of those that
it touches it belongs.
"""

import numpy as np
from jaxtyping import Float32, Int32
from numpy.typing import NDArray

RIM = 6
"""Voxels around a tile whose leaves and evidence its own boundaries are redrawn with.

One for each sweep, and two more, so that it is known which of the tile's voxels are in the interior
of their leaf.
"""

_SWEEPS = 4  # each of half the voxels, like the fields of a chessboard
_FACE = 4.0  # what a face between two regions costs, in squared units of the evidence


def redrawn(
    leaves: Int32[np.ndarray, "z y x"],
    owner: NDArray[np.integer],
    means: Float32[np.ndarray, "regions evidence"],
    evidence: Float32[np.ndarray, "z y x evidence"],
    areas: tuple[float, float, float],
    *,
    start: tuple[int, int, int] = (0, 0, 0),
) -> Int32[np.ndarray, "z y x"]:
    """Leaves whose boundaries fit the regions that they belong to.

    Iterated conditional modes of a Potts model: a voxel costs its squared distance to the mean of
    its region, and 4 for every face to another region. It may go to the leaf of a voxel beside it.
    The means stay as they are, so a voxel depends on those at most 4 away, and on nothing else.

    Args:
        leaves: Leaf of every voxel, from 0, shape ``(z, y, x)``; −1 outside, which stays.
        owner: Region of every leaf, from 0, shape ``(leaves,)``.
        means: Mean evidence of every region, shape ``(regions, evidence)``.
        evidence: In units of the noise, shape ``(z, y, x, evidence)``.
        areas: Of the faces across (z, y, x), of mean 1.
        start: Place of the first voxel in the volume: it says where the chessboard lies.

    Returns:
        Leaf of every voxel, shape ``(z, y, x)``. A leaf may be gone; the numbers stay.

    Source:
        Besag (1986), https://doi.org/10.1111/j.2517-6161.1986.tb01412.x
    """
    padded = np.pad(leaves, 1, constant_values=-1)
    flat, values = padded.reshape(-1), evidence.reshape(-1, evidence.shape[-1])
    table = np.append(owner, -1).astype(np.int32)
    steps = np.array([padded[0].size, padded.shape[2], 1])
    around = np.concatenate([steps, -steps])
    weights = _FACE * np.tile(areas, 2).astype(np.float32)
    regions = table[flat]
    for sweep in range(_SWEEPS):
        places, within = _at_boundaries(regions.reshape(padded.shape), (sweep + sum(start)) % 2)
        beside = places[:, None] + around
        others = regions[beside]
        best = np.full(len(places), np.inf, np.float32)
        chosen = flat[places]
        own = regions[places]
        # Its own region first, so that it stays where nothing is better.
        for candidate, leaf in [(own, chosen)] + [
            (others[:, side], flat[beside[:, side]]) for side in range(6)
        ]:
            cost = ((values[within] - means[candidate]) ** 2).sum(axis=1)
            cost += ((others != candidate[:, None]) & (others >= 0)) @ weights
            better = (candidate >= 0) & (cost < best)
            best, chosen = np.where(better, cost, best), np.where(better, leaf, chosen)
        flat[places] = chosen
        regions[places] = table[chosen]
    return np.ascontiguousarray(padded[1:-1, 1:-1, 1:-1])


def _at_boundaries(
    regions: NDArray[np.int32], parity: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Voxels of one colour of the chessboard beside another region: places with and without rim."""
    inner = regions[1:-1, 1:-1, 1:-1]
    found = np.zeros(inner.shape, dtype=bool)
    for axis in range(3):
        for start in (0, 2):
            moved = [slice(1, -1)] * 3
            moved[axis] = slice(start, start + inner.shape[axis])
            other = regions[tuple(moved)]
            found |= (other != inner) & (other >= 0)
    found &= inner >= 0
    z, y, x = np.nonzero(found)
    kept = (z + y + x) % 2 == parity
    place = z[kept], y[kept], x[kept]
    padded = place[0] + 1, place[1] + 1, place[2] + 1
    return (
        np.ravel_multi_index(padded, regions.shape),
        np.ravel_multi_index(place, inner.shape),
    )
