"""Where voxels come from and go to: the two interfaces, and both over an array in memory."""

from collections.abc import Iterator
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from gyrovox.volumes.region import Region


@runtime_checkable
class ArraySource(Protocol):
    """Voxels that can be read one region at a time."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels that `read` returns, in the byte order of this machine."""

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels, as an array that the caller owns."""


@runtime_checkable
class ArraySink(Protocol):
    """Voxels that can be written one region at a time."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels that are stored."""

    def write(self, region: Region, array: Shaped[np.ndarray, "channels z y x"]) -> None:
        """Store the voxels of a region, all channels."""


@final
class InMemory:
    """An array (channels, z, y, x) as a source and as a sink; it is not copied on the way in."""

    def __init__(self, array: Shaped[np.ndarray, "channels z y x"]) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        channels, depth, height, width = self._array.shape
        return channels, depth, height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._array.dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """A copy of the voxels of a region, all channels."""
        return self._array[:, *region.slices].copy()

    def write(self, region: Region, array: Shaped[np.ndarray, "channels z y x"]) -> None:
        """Store the voxels of a region, all channels."""
        self._array[:, *region.slices] = array


def slabs(
    source: ArraySource, *, max_bytes: int = 2**25, multiple: int = 1, rows: int | None = None
) -> Iterator[Region]:
    """Regions of whole z-slices, in order, that together cover a source exactly once.

    Args:
        source: What is to be walked through.
        max_bytes: Most bytes that one slab may take, in the source's own type; a slab has at
            least one slice.
        multiple: Number of slices that a slab, but the last, is a multiple of, whatever its
            bytes: the depth of a chunk, so that none is written twice.
        rows: Height of a chunk. Where as few slices as may be take more than `max_bytes`, slabs
            have as many rows as do not, a multiple of this; by default, all of them.

    Yields:
        The slabs, from z = 0 on, and those of the same slices from y = 0 on.
    """
    channels, depth, height, width = source.shape
    row_bytes = max(1, channels * width * source.dtype.itemsize)
    step = max(1, max_bytes // (height * row_bytes) // multiple) * multiple
    tall = height if rows is None else max(1, max_bytes // (step * row_bytes) // rows) * rows
    for z in range(0, depth, step):
        for y in range(0, height, tall):
            yield Region((z, y, 0), (min(z + step, depth), min(y + tall, height), width))
