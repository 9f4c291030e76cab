"""The contrast that an image is shown with, from a few of its voxels."""

import numpy as np

from .lazy_voxels import Voxels

_SHARES = 0.2, 99.8
_SIDE = 64
"""Rows and columns that are looked at of each slice."""


def contrast_limits(voxels: Voxels) -> tuple[float, float]:
    """The range of intensities that tells most.

    Args:
        voxels: An image, shape ``(z, y, x)``, of which slices in three depths are looked at.

    Returns:
        Intensities to show as black and as white, the second above the first.
    """
    depth, height, width = voxels.shape
    some = [
        np.asarray(voxels[depth * quarter // 4])[:: -(-height // _SIDE), :: -(-width // _SIDE)]
        for quarter in (1, 2, 3)
    ]
    sample = np.stack(some).astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, _SHARES).tolist()
    return (low, high) if high > low else (low, low + max(1.0, abs(low)))
