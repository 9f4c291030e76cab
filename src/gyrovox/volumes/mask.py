"""Masks: which voxels of a volume are worked with."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool

from gyrovox.errors import VolumeError, VolumeMismatchError, VoxelSizeError
from gyrovox.volumes.agreement import SAME_SIZE_WITHIN
from gyrovox.volumes.region import Region
from gyrovox.volumes.source import slabs
from gyrovox.volumes.volume import Volume

_SAME_DIRECTION = 0.99  # cosine of 8°


@final
@dataclass(frozen=True)
class Mask:
    """A mask that was found to lie over its volume; its voxels are read when asked for.

    Args:
        volume: One channel of finite real numbers.
        voxels: How many of them are not 0, and so inside.
    """

    volume: Volume
    voxels: int

    @property
    def is_everything(self) -> bool:
        """Whether every voxel is inside, so that it is as if there were no mask."""
        return self.voxels == math.prod(self.volume.spatial_shape)

    def inside(self) -> Bool[np.ndarray, "z y x"]:
        """Whether a voxel is inside, of all voxels, shape ``(z, y, x)``."""
        found = np.empty(self.volume.spatial_shape, np.bool_)
        # In parts: the mask's own type may take eight times as much.
        for slab in slabs(self.volume.source):
            found[slab.slices] = inside_of_mask(self.volume, slab)
        return found


def inside_of_mask(mask: Volume, region: Region) -> Bool[np.ndarray, "z y x"]:
    """Where a mask volume is not 0.

    Args:
        mask: One channel of real numbers.
        region: The part that is looked at.

    Returns:
        Whether a voxel of the region is inside, shape ``(z, y, x)``.
    """
    return np.asarray(mask.read(region)[0] != 0)


def mask_of(mask: Volume, volume: Volume) -> Mask:
    """A mask volume, after every check; it is read once, slab by slab.

    Args:
        mask: One channel of real numbers, on the grid of the volume.
        volume: What is to be worked with.

    Returns:
        The mask.

    Raises:
        VolumeError: If the mask has several channels, other values than finite real numbers, or
            no voxel that is not 0.
        VolumeMismatchError: If mask and volume differ in shape, or, in files of one format, in
            where their axes point.
        VoxelSizeError: If both voxel sizes are known, and differ.
    """
    if mask.channels != 1:
        raise VolumeError(
            f"{mask.name}: a mask must have one channel, got {mask.channels}. Pass the one to work "
            f"inside."
        )
    if mask.dtype.kind not in "buif":
        raise VolumeError(
            f"{mask.name}: the voxels of a mask must be real numbers, and {mask.dtype} came."
        )
    _check_shape(mask.name, mask.spatial_shape, volume)
    ours, theirs = mask.voxel_size_nm, volume.voxel_size_nm
    if ours and theirs and not np.allclose(ours, theirs, rtol=SAME_SIZE_WITHIN, atol=0):
        raise VoxelSizeError(
            f"{mask.name}: a mask must have the voxel size of its volume, and has {_nm(ours)} nm "
            f"(z, y, x), and {volume.name} has {_nm(theirs)} nm. Check that they belong together, "
            f"and mend the header of one."
        )
    _check_directions(mask, volume)
    inside, strange = 0, 0
    for slab in slabs(mask.source):
        voxels = mask.read(slab)[0]
        inside += int(np.count_nonzero(voxels))
        if voxels.dtype.kind == "f":
            strange += voxels.size - int(np.count_nonzero(np.isfinite(voxels)))
    if strange:
        raise VolumeError(
            f"{mask.name}: the voxels of a mask must be finite, and {strange} are not. Write 0 "
            f"where is outside."
        )
    _check_some(mask.name, inside)
    return Mask(mask, inside)


def check_mask(inside: Bool[np.ndarray, "_ _ _"], volume: Volume) -> None:
    """Refuse an array that nothing of a volume can be worked with inside of.

    Args:
        inside: Whether a voxel is inside, shape ``(z, y, x)``.
        volume: What is to be worked with.

    Raises:
        VolumeMismatchError: If mask and volume differ in shape.
        VolumeError: If no voxel is inside.
    """
    _check_shape("the mask", inside.shape, volume)
    _check_some("the mask", int(np.count_nonzero(inside)))


def _check_shape(name: str, shape: tuple[int, ...], volume: Volume) -> None:
    """Refuse a mask of another shape.

    Raises:
        VolumeMismatchError: If it has one.
    """
    if shape != volume.spatial_shape:
        raise VolumeMismatchError(
            f"{name}: a mask must have the shape of its volume, and has {shape} (z, y, x), and "
            f"{volume.name} has {volume.spatial_shape}. Resample it onto the volume's grid."
        )


def _check_directions(mask: Volume, volume: Volume) -> None:
    """Refuse a mask that is mirrored or turned, as far as their headers can be compared.

    Raises:
        VolumeMismatchError: If it is.
    """
    # Formats that keep no directions have a default one, which differs from format to format.
    if mask.header is None or type(mask.header) is not type(volume.header):
        return
    axes = [
        one.affine[:3, :3] / np.linalg.norm(one.affine[:3, :3], axis=0) for one in (mask, volume)
    ]
    if (axes[0] * axes[1]).sum(axis=0).min() < _SAME_DIRECTION:
        raise VolumeMismatchError(
            f"{mask.name}: the axes of a mask must point where those of its volume do, and they do "
            f"not point where those of {volume.name} do (affine). Resample it onto the volume's "
            f"grid."
        )


def _check_some(name: str, inside: int) -> None:
    """Refuse a mask without an inside.

    Raises:
        VolumeError: If it has none.
    """
    if not inside:
        raise VolumeError(
            f"{name}: some voxels of a mask must not be 0, and all are. Check that this is the "
            f"file that you mean."
        )


def _nm(size: tuple[float, float, float]) -> str:
    return " × ".join(f"{side:g}" for side in size)
