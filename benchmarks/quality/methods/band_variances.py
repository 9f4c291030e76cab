"""Local variances of three frequency bands, by k-means, or by a Mumford-Shah tree of regions."""

from collections.abc import Sequence

import numpy as np

from benchmarks.quality.binned import Binned
from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.methods.kmeans_voxels import clustered
from benchmarks.quality.simple_trees import band_variances, region_classes
from gyrovox.volumes import Volume

_MOST = 2_000_000
_MOST_OF_TREE = 160_000  # as for the tree of denoised voxels


class BandVariancesKMeans(Method):
    """k-means on three band-pass local variances of every channel.

    Volumes of more than 2 million voxels are joined to cubes first.
    """

    name = "bands-kmeans"
    title = "k-means on three band-pass variances"
    learns = False

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Find the variances once, and cluster them for every level."""
        small = Binned(normalised(volume), _MOST)
        features = band_variances(small.voxels)
        points = features.reshape(-1, features.shape[-1])
        shape = features.shape[:3]
        return small.whole({k: clustered(points, k, self.seed).reshape(shape) for k in levels})


class BandVariancesTree(Method):
    """A Mumford-Shah tree of the same variances, cut at 8 regions, and weighted Ward on means.

    Variances are found before a volume of more than 160 000 voxels is joined to cubes.
    """

    name = "bands-tree"
    title = "Mumford-Shah tree on the band-pass variances"
    learns = False

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Make one tree, and cut it at every level."""
        halved = Binned(normalised(volume), _MOST)
        variances = np.moveaxis(band_variances(halved.voxels), -1, 0)
        small = Binned(variances, _MOST_OF_TREE)
        features = np.moveaxis(small.voxels, 0, -1)
        return halved.whole(small.whole(region_classes(features, features, levels)))
