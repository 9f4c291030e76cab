"""Numbers that are stored as integers: so many steps, of a size that each channel has."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from jaxtyping import Float32

from gyrovox.errors import FileFormatError
from gyrovox.volumes import ArraySource, Region

STEPS = "steps"
"""Name under which an image's own attributes hold the size of the steps, one for each channel."""


@final
class SteppedSource:
    """A source of integers as the numbers that they count steps of."""

    def __init__(self, source: ArraySource, steps: Sequence[float]) -> None:
        self._source = source
        self._steps = np.asarray(steps, np.float32).reshape(-1, 1, 1, 1)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels as they are read."""
        return np.dtype(np.float32)

    def read(self, region: Region) -> Float32[np.ndarray, "channels z y x"]:
        """The numbers of a region, all channels."""
        return np.asarray(self._source.read(region) * self._steps, np.float32)


def in_units(where: str, source: ArraySource, own: object) -> ArraySource:
    """A source as its image's own attributes say that it is to be read.

    Args:
        where: What to call the image in messages.
        source: What is stored.
        own: The attributes that gyrovox wrote, if any.

    Returns:
        The source itself, or its numbers where steps are counted.

    Raises:
        FileFormatError: If there is not one step for each channel.
    """
    steps = own.get(STEPS) if isinstance(own, dict) else None
    if steps is None:
        return source
    try:
        sizes = [float(step) for step in steps]
    except (TypeError, ValueError):
        sizes = []
    if len(sizes) != source.shape[0]:
        raise FileFormatError(
            f"{where}: the steps that integers count must be one number for each of the "
            f"{source.shape[0]} channels, and {steps!r} came. Copy the folder again from where it "
            f"came"
        )
    return SteppedSource(source, sizes)
