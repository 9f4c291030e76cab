"""Where the inside of a mask lies, in few numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Int64
from numpy.typing import NDArray

from gyrovox.volumes.region import Region

CELL = 32
"""Side of a cell, in voxels."""


@final
@dataclass(frozen=True, eq=False)
class MaskCells:
    """How many voxels of a mask are inside, cell by cell, and the box that they lie in.

    Args:
        counts: Voxels inside, of every cell, shape ``(Z, Y, X)``; cells begin at multiples of
            `CELL`.
        bounds: The smallest box with all of them; the whole volume where there are none.
    """

    counts: Int64[np.ndarray, "Z Y X"]
    bounds: Region

    @property
    def voxels(self) -> int:
        """How many voxels are inside."""
        return int(self.counts.sum())

    @property
    def is_box(self) -> bool:
        """Whether every voxel within the bounds is inside."""
        return self.voxels == math.prod(self.bounds.shape)

    @classmethod
    def of(
        cls, parts: Iterable[tuple[Region, Bool[np.ndarray, "_ _ _"]]], shape: tuple[int, int, int]
    ) -> "MaskCells":
        """Count a mask that comes in parts.

        Args:
            parts: Boxes that cover the volume once, and which of their voxels are inside.
            shape: Voxels of the volume along (z, y, x).

        Returns:
            The counts; they do not depend on how the volume was parted.
        """
        counts = np.zeros([-(-length // CELL) for length in shape], np.int64)
        low, high = list(shape), [0, 0, 0]
        for region, inside in parts:
            spans = zip(region.start, region.stop, strict=True)
            reached = [range(first // CELL, -(-last // CELL)) for first, last in spans]
            sums: NDArray[Any] = inside
            for axis in reversed(range(3)):  # along x first: what is left of a slab is small
                first = region.start[axis]
                sums = _summed(sums, axis, reached[axis], first)
                others = tuple(other for other in range(3) if other != axis)
                places = np.flatnonzero(inside.any(axis=others)) + first
                if places.size:
                    low[axis] = min(low[axis], int(places[0]))
                    high[axis] = max(high[axis], int(places[-1]) + 1)
            counts[tuple(slice(cells.start, cells.stop) for cells in reached)] += sums
        if not high[0]:
            return cls(counts, Region.whole(shape))
        return cls(counts, Region((low[0], low[1], low[2]), (high[0], high[1], high[2])))


def _summed(values: NDArray[Any], axis: int, cells: range, first: int) -> NDArray[np.int64]:
    """Sums along an axis over cells; not by `reduceat`, which makes wide numbers of all first."""
    along = np.moveaxis(values, axis, 0)
    parts = [along[max(cell * CELL - first, 0) : (cell + 1) * CELL - first] for cell in cells]
    return np.stack([part.sum(axis=0, dtype=np.int64) for part in parts], axis=axis)
