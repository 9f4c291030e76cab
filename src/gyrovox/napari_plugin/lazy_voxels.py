"""A channel of a volume as an array that napari slices, read when it is looked at."""

import math
from collections.abc import Iterator
from typing import Any, SupportsIndex, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.volumes import Region, Volume

_MOST_BYTES = 2**28
"""Size up to which a channel is read at once: napari's slider then never waits for a disk."""


def shown_voxels(volume: Volume, channel: int = 0) -> "Voxels":
    """The voxels of a channel, in memory or, where they are many, as they are asked for.

    Args:
        volume: What is to be shown.
        channel: Which of its channels.

    Returns:
        An array, or what napari can use as one.
    """
    lazy = LazyVoxels(volume, channel)
    bytes_of_all = lazy.size * volume.dtype.itemsize
    return np.asarray(lazy) if bytes_of_all <= _MOST_BYTES else lazy


@final
class LazyVoxels:
    """One channel of a volume that looks like a read-only array, shape ``(z, y, x)``.

    Args:
        volume: Where the voxels are.
        channel: Which of its channels.
    """

    def __init__(self, volume: Volume, channel: int = 0) -> None:
        self._volume = volume
        self._channel = channel

    @property
    def shape(self) -> tuple[int, int, int]:
        """(z, y, x)."""
        return self._volume.spatial_shape

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._volume.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Shaped[np.ndarray, "y x"]]:
        return (self[z] for z in range(len(self)))

    def __getitem__(self, index: object) -> Shaped[np.ndarray, "..."]:
        """What numpy gives for the same index.

        Of whole numbers, slices and ``...`` only the box that they lie in is read; for any other
        index it is the whole channel.
        """
        parts = _one_per_axis(index)
        if parts is None:
            everything: Any = np.asarray(self)
            return np.asarray(everything[index])
        starts, stops = [], []
        within: list[int | slice] = []
        for part, length in zip(parts, self.shape, strict=True):
            places = range(length)[part]
            if isinstance(places, int):
                starts.append(places)
                stops.append(places + 1)
                within.append(0)
            else:
                starts.append(min(places, default=0))
                stops.append(max(places, default=-1) + 1)
                # From the last place backwards, where the step is negative.
                within.append(slice(None, None, places.step))
        sides = [stop - start for start, stop in zip(starts, stops, strict=True)]
        if 0 in sides:
            return np.asarray(np.empty(sides, self.dtype)[tuple(within)])
        region = Region((starts[0], starts[1], starts[2]), (stops[0], stops[1], stops[2]))
        return np.asarray(self._volume.read(region)[self._channel][tuple(within)])

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> Shaped[np.ndarray, "z y x"]:
        """All voxels, read anew."""
        return np.asarray(self._volume.read()[self._channel], dtype)


def _one_per_axis(index: object) -> list[SupportsIndex | slice] | None:
    """A whole number or a slice for each of three axes; None where an index is anything else."""
    parts: list[Any] = list(index) if isinstance(index, tuple) else [index]
    gaps = [place for place, part in enumerate(parts) if part is ...] or [len(parts)]
    before, after = parts[: gaps[0]], parts[gaps[0] + 1 :]
    spread = [*before, *[slice(None)] * (3 - len(before) - len(after)), *after]
    is_plain = all(
        isinstance(part, int | np.integer | slice) and not isinstance(part, bool) for part in spread
    )
    return spread if is_plain and len(spread) == 3 else None


Voxels = Shaped[np.ndarray, "z y x"] | LazyVoxels
"""What napari makes a layer of: an array, or what can be sliced like one."""
