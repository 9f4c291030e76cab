"""Several files as the channels of one volume, and one channel of several."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import VolumeMismatchError
from gyrovox.volumes import ArraySource, Region, Volume

# Registered images agree to rounding; half a voxel would blur every boundary.
_MOST_VOXELS_APART = 0.05


@final
class JoinedSource:
    """The channels of several sources, one after the other."""

    def __init__(self, sources: Sequence[ArraySource]) -> None:
        self._sources = tuple(sources)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        _, depth, height, width = self._sources[0].shape
        return sum(source.shape[0] for source in self._sources), depth, height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest type that holds the voxels of all."""
        return np.result_type(*(source.dtype for source in self._sources))

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels."""
        voxels = np.empty((self.shape[0], *region.shape), self.dtype)
        first = 0
        for source in self._sources:
            voxels[first : first + source.shape[0]] = source.read(region)
            first += source.shape[0]
        return voxels


@final
class ChannelSource:
    """One channel of a source."""

    def __init__(self, source: ArraySource, channel: int) -> None:
        self._source = source
        self._channel = channel

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(1, z, y, x)."""
        return 1, *self._source.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self._source.dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, this channel."""
        return self._source.read(region)[self._channel : self._channel + 1]


def one_channel(volume: Volume, channel: int) -> Volume:
    """A volume of one of the channels of another."""
    if volume.channels == 1:
        return volume
    return replace(volume, source=ChannelSource(volume.source, channel))


def joined(volumes: Sequence[Volume]) -> Volume:
    """One volume with the channels of several, in order; name, path and header of the first.

    Args:
        volumes: At least one volume.

    Returns:
        The joined volume.

    Raises:
        VolumeMismatchError: If they differ in shape, in voxel size or in where they lie.
    """
    first, *others = volumes
    for other in others:
        _check_agreement(first, other)
    if not others:
        return first
    return replace(first, source=JoinedSource([volume.source for volume in volumes]))


def _check_agreement(first: Volume, other: Volume) -> None:
    names = f"{first.name} and {other.name}"
    if first.spatial_shape != other.spatial_shape:
        raise VolumeMismatchError(
            f"the channels of a volume must have one shape, and {names} have "
            f"{first.spatial_shape} and {other.spatial_shape} voxels (z, y, x). "
            f"Resample one onto the other first"
        )
    sizes = first.voxel_size_nm, other.voxel_size_nm
    if (sizes[0] is None) != (sizes[1] is None) or (
        sizes[0] and sizes[1] and not np.allclose(sizes[0], sizes[1], rtol=1e-3, atol=0)
    ):
        raise VolumeMismatchError(
            f"the channels of a volume must have one voxel size, and {names} have "
            f"{sizes[0] or 'an unknown one'} and {sizes[1] or 'an unknown one'} (nm; z, y, x). "
            f"Resample one onto the other, or repair the header that is wrong"
        )
    apart = _voxels_apart(first, other)
    if apart > _MOST_VOXELS_APART:
        raise VolumeMismatchError(
            f"the channels of a volume must lie in one place (affine), and {names} lie up to "
            f"{apart:.3g} voxels apart. Resample one onto the other first"
        )


def _voxels_apart(first: Volume, other: Volume) -> float:
    """How far the corners of one volume lie from those of another, in voxels."""
    ends = [(0, size - 1) for size in first.spatial_shape]
    corners = np.array([(*corner, 1) for corner in product(*ends)], np.float64)
    inside = corners @ (np.linalg.inv(first.affine) @ other.affine).T
    return float(np.abs(inside - corners).max())
