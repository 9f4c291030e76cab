"""Denoising by total variation, then k-means, or a Mumford-Shah tree of regions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.restoration import denoise_tv_chambolle

from benchmarks.quality.binned import Binned
from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.methods.kmeans_voxels import clustered
from benchmarks.quality.simple_trees import region_classes
from gyrovox.patches import noise_scale
from gyrovox.volumes import Volume

_WEIGHT = 1.2  # of the noise: 0.3 in the phantom's own units, whose noise scales at 0.25
_MOST = 2_000_000
_MOST_OF_TREE = 160_000  # voxels; with ten times as many higra's tree takes minutes


class TotalVariationKMeans(Method):
    """k-means after TV denoising, channel by channel, of weight 1.2 of the channel's noise.

    Volumes of more than 2 million voxels are joined to cubes first.
    """

    name = "tv-kmeans"
    title = "k-means on TV denoising"
    learns = False

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Denoise once, and cluster for every level."""
        small = Binned(normalised(volume), _MOST)
        smooth = denoised(small.voxels)
        points = smooth.reshape(len(smooth), -1).T
        shape = smooth.shape[1:]
        return small.whole({k: clustered(points, k, self.seed).reshape(shape) for k in levels})


class TotalVariationTree(Method):
    """After TV denoising, a Mumford-Shah tree cut at 8 regions, and weighted Ward on their means.

    For more than 8 classes the tree is cut at as many regions. Volumes of more than 160 000 voxels
    are joined to cubes first, for the time of the tree grows faster than they do.
    """

    name = "tv-tree"
    title = "TV, Mumford-Shah tree at 8 regions, Ward"
    learns = False
    reference = (
        "Guigues et al. (2006), scale sets; higra, https://doi.org/10.1016/j.softx.2019.100335"
    )

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Denoise, make one tree, and cut it at every level."""
        small = Binned(normalised(volume), _MOST_OF_TREE)
        smooth = np.moveaxis(denoised(small.voxels), 0, -1)
        described = np.moveaxis(small.voxels, 0, -1)
        return small.whole(region_classes(described, smooth, levels))


def denoised(voxels: NDArray[np.floating]) -> NDArray[np.floating]:
    """Channels (channels, z, y, x) without what their noise would swing by."""
    return np.stack([
        denoise_tv_chambolle(one, weight=max(_WEIGHT * noise_scale(one), 1e-3)) for one in voxels
    ])
