"""Volumes that are too large for a slow method, a whole number of times smaller."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


class Binned:
    """Voxels joined to cubes, so that no more than so many are left.

    Args:
        voxels: Shape (channels, z, y, x).
        most: Voxels of a channel that may be left.

    Attributes:
        factor: Voxels along each side of a cube; 1 where nothing is joined.
        voxels: Means of the cubes, float32; cubes at the far faces may be cut off.
    """

    def __init__(self, voxels: NDArray[np.floating], most: int) -> None:
        self._shape = voxels.shape[1:]
        self.factor = 1
        while math.prod(-(-side // self.factor) for side in self._shape) > most:
            self.factor += 1
        self.voxels = voxels
        if self.factor > 1:
            self.voxels = means_of_cubes(voxels, self.factor)

    def whole(self, labels: Mapping[int, NDArray[np.integer]]) -> dict[int, NDArray[np.integer]]:
        """Labels of the cubes, given to each of their voxels."""
        return {k: self._repeated(one) for k, one in labels.items()}

    def _repeated(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        for axis, side in enumerate(self._shape):
            labels = labels.repeat(self.factor, axis).take(range(side), axis)
        return labels


def means_of_cubes(voxels: NDArray[np.floating], factor: int) -> NDArray[np.float32]:
    """Means of cubes of so many voxels a side, (channels, z, y, x), the far faces mirrored."""
    # Mirrored, not zeros: they would be an edge at the far faces.
    beyond = [(0, -side % factor) for side in voxels.shape[1:]]
    padded = np.pad(voxels, [(0, 0), *beyond], mode="symmetric")
    cubes = [n for side in padded.shape[1:] for n in (side // factor, factor)]
    return padded.reshape(len(voxels), *cubes).mean(axis=(2, 4, 6), dtype=np.float32)
