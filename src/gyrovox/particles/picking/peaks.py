"""Peaks of a map of scores that keep apart from each other."""

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import ndimage
from scipy.spatial import cKDTree

from gyrovox.errors import SettingsError

MOST_PEAKS = 20_000
"""Peaks of a tomogram that are looked at, the highest ones."""


def peaks_of(
    scores: Float32[np.ndarray, "z y x"], *, apart: float, threshold: float
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, " n"]]:
    """Where a map has its highest values, none of them near a higher one.

    Args:
        scores: The map.
        apart: Least distance of two peaks, in voxels.
        threshold: Value from which a peak counts.

    Returns:
        Positions (z, y, x), to a fraction of a voxel, shape ``(n, 3)``; their scores, shape
        ``(n,)``, highest first.

    Raises:
        SettingsError: If the distance is negative.
    """
    if not apart >= 0:
        raise SettingsError(f"the least distance of two peaks must not be negative, got {apart:g}.")
    # A voxel at the border of the map is one as any other: what lies beyond is lower.
    highest = ndimage.maximum_filter(scores, size=3, mode="constant", cval=-np.inf)
    tops = np.argwhere((scores == highest) & (scores >= threshold))
    values = scores[tuple(tops.T)].astype(np.float64)
    order = np.argsort(-values, kind="stable")[:MOST_PEAKS]
    tops, values = tops[order], values[order]
    kept = kept_points(tops.astype(np.float64), apart=apart)
    return _refined(scores, tops[kept]), values[kept]


def kept_points(points: Float64[np.ndarray, "n 3"], *, apart: float) -> Int64[np.ndarray, " kept"]:
    """Non-maximum suppression of points: of those that are near each other, the first one.

    Args:
        points: Positions, the best first, shape ``(n, 3)``.
        apart: Least distance of two that stay, in their unit.

    Returns:
        Indices of those that stay, in order.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    alive = np.ones(len(points), bool)
    # A hair less than asked for, for a tree finds those at the distance itself, too.
    neighbours = cKDTree(points).query_ball_point(points, apart * (1 - 1e-9))
    for index, near in enumerate(neighbours):
        if alive[index]:
            alive[near] = False
            alive[index] = True
    return np.flatnonzero(alive)


def _refined(
    scores: Float32[np.ndarray, "z y x"], tops: Int64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "n 3"]:
    """Tops of parabolas through each voxel and its two neighbours along each axis."""
    places = tops.astype(np.float64)
    middle = scores[tuple(tops.T)].astype(np.float64)
    for axis, count in enumerate(scores.shape):
        inner = (tops[:, axis] > 0) & (tops[:, axis] < count - 1)
        below, above = tops[inner].copy(), tops[inner].copy()
        below[:, axis] -= 1
        above[:, axis] += 1
        low = scores[tuple(below.T)].astype(np.float64)
        high = scores[tuple(above.T)].astype(np.float64)
        bend = low - 2 * middle[inner] + high
        flat = bend == 0
        shift = 0.5 * (low - high) / np.where(flat, 1.0, bend)
        places[inner, axis] += np.where(flat, 0.0, np.clip(shift, -0.5, 0.5))
    return places
