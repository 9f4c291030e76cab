"""Grey values that a network can read: every channel with mean 0 and standard deviation 1."""

import numpy as np
from jaxtyping import Float32

from gyrovox.volumes.statistics import normalisation_of_array


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
    return normalisation_of_array(voxels).apply(voxels)
