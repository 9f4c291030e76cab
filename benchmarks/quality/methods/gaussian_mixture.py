"""Gaussian mixtures of voxels, as they are and after a Gaussian."""

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from benchmarks.quality.comparison.voxelwise import VoxelwiseMethod

_MOST = 1_000_000  # points times classes that a mixture is fitted to: a phantom of 8 classes
_AT_ONCE = 500_000  # points that are labelled at a time, for each has a float64 a class


class MixtureVoxels(VoxelwiseMethod):
    """A mixture of k normal laws with full covariances, fitted to the voxels of the volume."""

    name = "mixture-voxels"
    title = "Gaussian mixture on voxels"

    def grouped(self, points: NDArray[np.floating], k: int) -> NDArray[np.int64]:
        """Components of a mixture."""
        return mixed(points, k, self.seed)


class MixtureGaussian(MixtureVoxels):
    """The same after a Gaussian of 1 voxel."""

    name = "mixture-gaussian"
    title = "Gaussian mixture, Gaussian (sigma 1)"
    sigma = 1.0


def mixed(points: NDArray[np.floating], k: int, seed: int) -> NDArray[np.int64]:
    """Component of points (points, features), where they are many of a mixture of a sample."""
    chance = np.random.default_rng(seed)
    some = points
    if len(points) > _MOST // k:
        some = points[chance.choice(len(points), _MOST // k, replace=False)]
    mixture = GaussianMixture(k, n_init=1, random_state=seed, max_iter=300)
    mixture.fit(some.astype(np.float64))
    found = np.empty(len(points), np.int64)
    for first in range(0, len(points), _AT_ONCE):
        piece = slice(first, first + _AT_ONCE)
        found[piece] = mixture.predict(points[piece].astype(np.float64))
    return found
