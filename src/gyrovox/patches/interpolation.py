"""A box of one grid from the voxels of another that lies over the same space."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gyrovox.volumes import Region


@final
@dataclass(frozen=True, eq=False)
class _Taps:
    """Along one axis: for each voxel that is wanted, the two that it lies between.

    Args:
        lower: Index of the lower one among those that are read.
        weight: Share of the one above it; 0 for all where voxels are taken as they are.
        plain: Whether what is wanted is what is read, one by one.
    """

    lower: NDArray[np.int64]
    weight: NDArray[np.float32]
    plain: bool


@final
@dataclass(frozen=True, eq=False)
class Excerpt:
    """What to read of a grid, and how a box of another grid comes from it.

    Args:
        region: What to read.
        taps: How to interpolate along (z, y, x).
    """

    region: Region
    taps: tuple[_Taps, _Taps, _Taps]

    def interpolated(
        self, read: Float[Tensor, "channels z y x"]
    ) -> Float[Tensor, "channels Z Y X"]:
        """The box, linear between the voxels that were read.

        Args:
            read: The voxels of `region`, shape ``(channels, *region.shape)``.

        Returns:
            Shape ``(channels, *wanted)``; the tensor itself where both grids are one.
        """
        for axis, taps in enumerate(self.taps, start=1):
            read = _along(read, taps, axis)
        return read


def excerpt_of(
    wanted: tuple[int, int, int],
    given: tuple[int, int, int],
    region: Region,
    *,
    before: int = 0,
    after: int = 0,
) -> Excerpt:
    """How a box of a grid comes from another grid, of which both cover the same space.

    Args:
        wanted: Voxels of the grid that the box is of, along (z, y, x).
        given: Voxels of the grid to read from, along (z, y, x).
        region: The box.
        before: Voxels that are wanted before the box along each axis. Beyond its faces the wanted
            grid is mirrored at the centres of its outermost voxels.
        after: Voxels that are wanted behind it.

    Returns:
        What to read, and the way from there.
    """
    found = [
        _taps(range(first - before, stop + after), *counts)
        for first, stop, *counts in zip(region.start, region.stop, wanted, given, strict=True)
    ]
    (z, z_taps), (y, y_taps), (x, x_taps) = found
    read = Region((z.start, y.start, x.start), (z.stop, y.stop, x.stop))
    return Excerpt(read, (z_taps, y_taps, x_taps))


def _taps(places: range, wanted: int, given: int) -> tuple[range, _Taps]:
    """Which voxels of an axis to read, and how to interpolate along it."""
    index = _mirrored(np.arange(places.start, places.stop), wanted)
    if wanted == given:
        lower, weight = index, np.zeros(len(index), np.float32)
        last = index
    else:
        # The faces of the first and last voxels of both grids lie in the same places.
        centre = np.clip((index + 0.5) * given / wanted - 0.5, 0, given - 1)
        lower = np.minimum(centre.astype(np.int64), max(given - 2, 0))
        weight = (centre - lower).astype(np.float32)
        last = np.minimum(lower + 1, given - 1)
    read = range(int(lower.min()), int(last.max()) + 1)
    lower = lower - read.start
    plain = wanted == given and bool((lower == np.arange(len(lower))).all())
    return read, _Taps(lower, weight, plain)


def _mirrored(index: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Places beyond an axis of `count` voxels turned back into it: -1 is voxel 1."""
    if count == 1:
        return np.zeros_like(index)
    period = 2 * (count - 1)
    turned = np.abs(index) % period
    inside: NDArray[np.int64] = np.minimum(turned, period - turned)
    return inside


def _along(
    voxels: Float[Tensor, "channels z y x"], taps: _Taps, axis: int
) -> Float[Tensor, "channels Z Y X"]:
    if taps.plain:
        return voxels
    lower = torch.from_numpy(taps.lower).to(voxels.device)
    found = voxels.index_select(axis, lower)
    if not taps.weight.any():
        return found
    upper = torch.clamp(lower + 1, max=voxels.shape[axis] - 1)
    shape = [-1 if axis == other else 1 for other in range(4)]
    weight = torch.from_numpy(taps.weight).to(found).view(shape)
    return found.lerp_(voxels.index_select(axis, upper), weight)
