"""A volume small enough for a browser: blocks of voxels as one, read region by region."""

import itertools
import math
from typing import Any

import numpy as np
from jaxtyping import Float32, Shaped
from numpy.typing import NDArray

from gyrovox.volumes import Region, Volume, slabs

MOST_VOXELS = 256**3
"""Voxels that a browser is given at most."""

MOST_SIDE = 2048
"""Voxels along an axis that a browser is given at most: what WebGL holds on most machines."""

_SLAB_BYTES = 2**25


def fitting_step(shape: tuple[int, int, int], most_voxels: int = MOST_VOXELS) -> int:
    """The side of the smallest blocks of which a volume has no more than a browser takes.

    Args:
        shape: Voxels of the volume (z, y, x).
        most_voxels: How many blocks at most, at least 1.

    Returns:
        Voxels along each side of a block; 1 where the volume fits as it is.
    """
    for step in itertools.count(1):
        coarse = coarse_shape(shape, step)
        if math.prod(coarse) <= most_voxels and max(coarse) <= MOST_SIDE:
            break
    return step


def coarse_shape(shape: tuple[int, int, int], step: int) -> tuple[int, int, int]:
    """How many blocks a volume has along each axis, those at its far faces cut short.

    Args:
        shape: Voxels (z, y, x).
        step: Side of a block.

    Returns:
        Blocks (z, y, x).
    """
    z, y, x = (-(-side // step) for side in shape)
    return z, y, x


def block_means(volume: Volume, step: int, *, channel: int = 0) -> Float32[np.ndarray, "z y x"]:
    """The mean of the finite voxels of every block.

    Args:
        volume: What is read, in slabs.
        step: Side of a block, in voxels.
        channel: Which channel.

    Returns:
        One voxel per block, shape ``coarse_shape(volume.spatial_shape, step)``; NaN where no
        voxel of a block is finite.
    """
    means = np.empty(coarse_shape(volume.spatial_shape, step), np.float32)
    # The means are made in float64, and the slab must not be eight times what it is meant to be.
    for region in slabs(volume.source, max_bytes=_SLAB_BYTES // 4, multiple=step, rows=step):
        voxels = volume.read(region)[channel]
        means[_blocks(region, step)] = voxels if step == 1 else _means(voxels, step)
    if step == 1:
        means[~np.isfinite(means)] = np.nan
    return means


def block_samples(volume: Volume, step: int) -> Shaped[np.ndarray, "z y x"]:
    """The voxel in the middle of every block: labels have no mean.

    Args:
        volume: What is read, one channel, in slabs.
        step: Side of a block, in voxels.

    Returns:
        One voxel per block, in the volume's type. In a block that a face of the volume cuts
        short, it is the last one where there is none in the middle.
    """
    samples = np.empty(coarse_shape(volume.spatial_shape, step), volume.dtype)
    for region in slabs(volume.source, max_bytes=_SLAB_BYTES, multiple=step, rows=step):
        chosen = np.ix_(*(_middles(side, step) for side in region.shape))
        samples[_blocks(region, step)] = volume.read(region)[0][chosen]
    return samples


def _blocks(region: Region, step: int) -> tuple[slice, slice, slice]:
    """The blocks that a region, which begins with one, consists of."""
    z, y, x = (
        slice(first // step, -(-last // step))
        for first, last in zip(region.start, region.stop, strict=True)
    )
    return z, y, x


def _middles(side: int, step: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(0, side, step) + step // 2, side - 1)


def _means(voxels: NDArray[Any], step: int) -> NDArray[np.float64]:
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        finite = np.isfinite(voxels)
        with np.errstate(invalid="ignore"):  # 0 / 0, where there is none
            return _sums(np.where(finite, voxels, 0), step) / _sums(finite, step)
    z, y, x = (np.minimum(step, side - np.arange(0, side, step)) for side in voxels.shape)
    room: NDArray[np.int64] = z[:, None, None] * y[:, None] * x
    return _sums(voxels, step) / room


def _sums(voxels: NDArray[Any], step: int) -> NDArray[np.float64]:
    """The sum of every block, axis by axis."""
    sums = voxels.astype(np.float64)
    for axis in range(3):
        parts = [np.moveaxis(sums, axis, 0)[first::step] for first in range(step)]
        # The first part has one from every block; where a face cuts the last one short, others
        # have none from there.
        total = parts[0].copy()
        for part in parts[1:]:
            total[: len(part)] += part
        sums = np.moveaxis(total, 0, axis)
    return sums
