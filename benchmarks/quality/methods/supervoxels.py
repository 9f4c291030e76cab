"""SLIC supervoxels, joined by Ward's clustering of their means."""

from collections.abc import Sequence

import numpy as np
from skimage.segmentation import slic
from sklearn.cluster import AgglomerativeClustering

from benchmarks.quality.binned import Binned
from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume

_SUPERVOXELS = 2000
_COMPACTNESS = 0.1  # in standard deviations: about the noise that a Gaussian of 1 voxel leaves
_MOST = 2_000_000


class SlicWard(Method):
    """About 2000 SLIC supervoxels after a Gaussian of 1 voxel; Ward's tree of their mean values.

    Supervoxels count alike, whatever their size, and joined ones need not touch. Volumes of more
    than 2 million voxels are joined to cubes first.
    """

    name = "slic-ward"
    title = "SLIC supervoxels + Ward"
    learns = False
    reference = "Achanta et al. (2012), https://doi.org/10.1109/TPAMI.2012.120"

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Find supervoxels once, and cut their tree at every level."""
        small = Binned(normalised(volume), _MOST)
        voxels = small.voxels
        wanted = min(_SUPERVOXELS, voxels[0].size // 8)
        regions = slic(
            voxels,
            n_segments=wanted,
            compactness=_COMPACTNESS,
            sigma=1.0,
            channel_axis=0,
            start_label=0,
        )
        regions = np.unique(regions, return_inverse=True)[1].reshape(regions.shape)
        sizes = np.bincount(regions.ravel())
        means = np.stack(
            [np.bincount(regions.ravel(), one.ravel()) / sizes for one in voxels], axis=1
        )
        found = {}
        for k in levels:
            ward = AgglomerativeClustering(min(k, len(means)), linkage="ward")
            found[k] = ward.fit_predict(means)[regions] if len(means) > 1 else regions
        return small.whole(found)
