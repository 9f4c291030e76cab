"""Otsu's thresholds of the smoothed first channel, which of MRI is the FLAIR threshold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.quality.comparison.method import Labels, Method
from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume

_BINS = 256


class OtsuGaussian(Method):
    """Thresholds of the first channel after a Gaussian of 1 voxel, with the most variance between.

    Other channels are not looked at.
    """

    name = "otsu-gaussian"
    title = "Multi-Otsu on a Gaussian (sigma 1) of the first channel"
    learns = False
    reference = "Otsu (1979), https://doi.org/10.1109/TSMC.1979.4310076"

    def segment(self, volume: Volume, levels: Sequence[int]) -> Labels:
        """Find thresholds for every level in the volume alone."""
        first = normalised(volume)[0]
        smooth = ndimage.gaussian_filter(first, 1.0)
        return {k: np.digitize(smooth, multi_otsu(smooth, k)) for k in levels}


def multi_otsu(values: NDArray[np.floating], classes: int) -> NDArray[np.floating]:
    """Thresholds with the most variance between classes, by dynamic programming over a histogram.

    scikit-image tries every combination, which of 8 classes takes for ever. The best thresholds
    below a bin hold those below an earlier one, so the cost grows with the classes and no more.

    Args:
        values: Of any shape.
        classes: Their number; there is one threshold less.

    Returns:
        Thresholds, ascending, shape (classes - 1,); fewer where fewer values differ.

    Source:
        Liao, Chen & Chung (2001), A fast algorithm for multilevel thresholding, eq. 11.
    """
    counts, edges = np.histogram(values, _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    weight = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * middles)])
    held = weight[None] - weight[:, None]  # voxels of bins i to j - 1
    total = moment[None] - moment[:, None]
    between = np.where(held > 0, total**2 / np.maximum(held, 1), -np.inf)
    best, cuts = between[0], []
    for _ in range(min(classes, np.count_nonzero(counts)) - 1):
        reached = best[:, None] + between
        cuts.append(reached.argmax(axis=0))
        best = reached.max(axis=0)
    bins = [_BINS]
    for cut in reversed(cuts):
        bins.append(int(cut[bins[-1]]))
    return edges[bins[:0:-1]]
