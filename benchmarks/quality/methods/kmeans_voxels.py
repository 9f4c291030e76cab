"""k-means of voxels, as they are and after a Gaussian."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.comparison.voxelwise import VoxelwiseMethod
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some

_MOST = 1_000_000  # voxels that centres are found from


class KMeansVoxels(VoxelwiseMethod):
    """k-means of the values of the voxels of the volume."""

    name = "kmeans-voxels"
    title = "k-means on voxels"

    def grouped(self, points: NDArray[np.floating], k: int) -> NDArray[np.integer]:
        """Clusters of k-means."""
        return clustered(points, k, self.seed)


class KMeansGaussian(KMeansVoxels):
    """The same after a Gaussian of 1 voxel."""

    name = "kmeans-gaussian"
    title = "k-means on a Gaussian (sigma 1)"
    sigma = 1.0


def clustered(
    points: NDArray[np.floating], k: int, seed: int, most: int = _MOST
) -> NDArray[np.integer]:
    """Cluster points (points, features), where they are many by centres found from a sample."""
    return kmeans_of_some(points, k, seed, most).predict(points)
