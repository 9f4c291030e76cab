"""Grey values that a network can read: every channel with mean 0 and standard deviation 1."""

import numpy as np
from jaxtyping import Float32

# A hot voxel or two must not squeeze all the others together; a protein of 33 voxels among 125,000
# must keep its colour, so what is clipped lies far beyond the bulk, not at a share of the voxels.
_TAIL = 1e-3


def normalise(
    voxels: Float32[np.ndarray, "channels z y x"],
) -> Float32[np.ndarray, "channels z y x"]:
    """Clip voxels far outside the bulk of each channel, then standardise it.

    The bulk is all but the darkest and brightest thousandth. Voxels farther outside it than it is
    wide are clipped to there.

    Args:
        voxels: Finite voxels, shape ``(channels, z, y, x)``, in any unit.

    Returns:
        A new array of the same shape; each channel has mean 0 and standard deviation 1. A channel
        whose bulk is constant is standardised without clipping.
    """
    normalised = np.empty_like(voxels)
    for channel, values in enumerate(voxels):
        low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
        wide = high - low
        clipped = np.clip(values, low - wide, high + wide) if wide > 0 else values
        mean = clipped.mean(dtype=np.float64)
        deviation = clipped.std(dtype=np.float64)
        normalised[channel] = (clipped - mean) / deviation if deviation > 0 else 0.0
    return normalised
