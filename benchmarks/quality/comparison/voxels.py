"""The voxels of a volume as methods take them."""

import numpy as np
from numpy.typing import NDArray

from gyrovox.patches import normalise
from gyrovox.volumes import Volume


def normalised(volume: Volume) -> NDArray[np.float32]:
    """Normalised voxels (channels, z, y, x) of a volume."""
    return normalise(volume.read().astype(np.float32))
