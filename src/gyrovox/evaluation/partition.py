"""How two partitions of the same voxels agree, whatever their parts are called."""

import numpy as np
from numpy.typing import NDArray

from gyrovox.evaluation.overlap import Contingency


def adjusted_rand(table: Contingency) -> float:
    """Share of pairs of voxels on which both agree, with what chance gives taken off.

    Args:
        table: Voxels shared by labels and classes.

    Returns:
        1 for equal partitions, 0 on average for random ones; may be negative.

    Source:
        Hubert & Arabie (1985), eq. 5. https://doi.org/10.1007/BF01908075
    """
    # Python's whole numbers: the products of pairs of 10⁷ voxels pass 64 bits.
    total = _pairs(table.counts.sum(keepdims=True).ravel())
    together = _pairs(table.counts.ravel())
    in_labels = _pairs(table.counts.sum(axis=1))
    in_truth = _pairs(table.counts.sum(axis=0))
    if in_labels == in_truth and together == in_labels:
        return 1.0
    by_chance = in_labels * in_truth
    best = (in_labels + in_truth) * total
    return 2 * (together * total - by_chance) / (best - 2 * by_chance)


def conditional_entropies(table: Contingency) -> tuple[float, float]:
    """What one partition leaves unknown about the other.

    Args:
        table: Voxels shared by labels and classes.

    Returns:
        H(labels | truth), which grows where classes are split, and H(truth | labels), which
        grows where classes are merged, both in bits.

    Source:
        Meilă (2007), eq. 16. https://doi.org/10.1016/j.jmva.2006.11.013
    """
    joint = _entropy(table.counts.ravel())
    split = joint - _entropy(table.counts.sum(axis=0))
    merged = joint - _entropy(table.counts.sum(axis=1))
    return max(split, 0.0), max(merged, 0.0)


def variation_of_information(table: Contingency) -> float:
    """H(labels | truth) + H(truth | labels), a metric between partitions.

    Args:
        table: Voxels shared by labels and classes.

    Returns:
        Bits, 0 for equal partitions.

    Source:
        Meilă (2007), eq. 16. https://doi.org/10.1016/j.jmva.2006.11.013
    """
    return sum(conditional_entropies(table))


def _pairs(counts: NDArray[np.int64]) -> int:
    return sum(count * (count - 1) // 2 for count in counts.tolist())


def _entropy(counts: NDArray[np.int64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())
