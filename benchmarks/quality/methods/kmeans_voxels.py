"""k-means of voxels, as they are and after a Gaussian."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.cluster import KMeans

from benchmarks.quality.comparison.method import Labels, Method
from gyrovox.patches import normalise
from gyrovox.volumes import Volume

_MOST = 1_000_000  # voxels that centres are found from


class KMeansVoxels(Method):
    """k-means of the normalised values of the voxels, all channels together."""

    name = "kmeans-voxels"
    title = "k-means on voxels"
    learns = False
    sigma = 0.0

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Cluster the voxels of the volume alone."""
        voxels = normalise(volume.read().astype(np.float32))
        if self.sigma:
            voxels = np.stack([ndimage.gaussian_filter(one, self.sigma) for one in voxels])
        points = voxels.reshape(len(voxels), -1).T
        return {k: clustered(points, k, self.seed).reshape(voxels.shape[1:]) for k in levels}


class KMeansGaussian(KMeansVoxels):
    """The same after a Gaussian of 1 voxel."""

    name = "kmeans-gaussian"
    title = "k-means on a Gaussian (sigma 1)"
    sigma = 1.0


def clustered(
    points: NDArray[np.floating], k: int, seed: int, most: int = _MOST
) -> NDArray[np.integer]:
    """Cluster points (points, features), where they are many by centres found from a sample."""
    chance = np.random.default_rng(seed)
    some = points
    if len(points) > most:
        some = points[chance.choice(len(points), most, replace=False)]
    return KMeans(k, n_init=3, random_state=seed).fit(some).predict(points)
