"""Methods that group voxels by their values alone, as they are or after a Gaussian."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume


class VoxelwiseMethod(Method):
    """A method to which a voxel is its normalised values, those of all channels together."""

    learns = False

    sigma: ClassVar[float] = 0.0
    """Of the Gaussian that every channel is smoothed by, in voxels; 0 for none."""

    @abstractmethod
    def grouped(self, points: NDArray[np.floating], k: int) -> NDArray[np.integer]:
        """Groups of points, shape (points, features) -> (points,), at most k of them."""

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Group the voxels of the volume alone, for every level."""
        voxels = normalised(volume)
        if self.sigma:
            voxels = np.stack([ndimage.gaussian_filter(one, self.sigma) for one in voxels])
        points = voxels.reshape(len(voxels), -1).T
        return {k: self.grouped(points, k).reshape(voxels.shape[1:]) for k in levels}
