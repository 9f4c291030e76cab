"""Putting voxels into the types and geometries that a format has, and saying what is lost."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import FormatLossWarning, VolumeError
from gyrovox.volumes import Region, Volume, is_axis_aligned, slabs


def storable_dtype(dtype: np.dtype[Any], available: Sequence[str]) -> np.dtype[Any]:
    """The first of the available types that holds every value of `dtype`, else the last one.

    Args:
        dtype: Type of the voxels.
        available: Types of the format, in order of preference, the most general last.

    Returns:
        The type to store.
    """
    for candidate in available:
        if np.can_cast(dtype, candidate, "safe"):
            return np.dtype(candidate)
    return np.dtype(available[-1])


def stored_slabs(
    volume: Volume,
    dtype: np.dtype[Any],
    *,
    format_name: str,
    multiple: int = 1,
    rows: int | None = None,
) -> Iterator[tuple[Region, Shaped[np.ndarray, "channels z y x"]]]:
    """The voxels of a volume in the type of a format, slab by slab.

    Args:
        volume: What is to be written.
        dtype: The type that the format has for it.
        format_name: What to call the format in messages.
        multiple: Number of slices that a slab is a multiple of.
        rows: Number of rows that a slab is a multiple of where so many slices are too many; None
            for whole slices, whatever they take.

    Yields:
        Regions of whole z-slices, or of whole rows, in order, and their voxels.

    Raises:
        VolumeError: If an integer would change.
    """
    rounded = False
    for region in slabs(volume.source, multiple=multiple, rows=rows):
        voxels = volume.read(region)
        with np.errstate(over="ignore", invalid="ignore"):
            stored = voxels.astype(dtype, copy=False)
        if not np.can_cast(voxels.dtype, dtype, "safe"):
            same = np.array_equal(stored.astype(voxels.dtype), voxels, equal_nan=dtype.kind == "f")
            if not same and voxels.dtype.kind != "f":
                raise VolumeError(
                    f"{volume.name}: {format_name} must hold the voxels as {dtype}, and some of "
                    f"the {voxels.dtype} values do not fit. Write to .h5, .ome.zarr or .nii"
                )
            rounded = rounded or not same
        yield region, stored
    if rounded:
        warn_of_loss(
            f"{volume.name}: {format_name} holds no {volume.dtype}; voxels are rounded to {dtype}"
        )


def warn_of_lost_directions(volume: Volume, format_name: str) -> None:
    """Say that a format keeps the voxel size and the origin, but no rotation, flip or shear."""
    if not is_axis_aligned(volume.affine):
        warn_of_loss(
            f"{volume.name}: {format_name} holds no rotation and no flip; the voxels, their size "
            f"and the position of voxel (0, 0, 0) are written as they are, without directions. "
            f"Write to .nii.gz to keep them"
        )


def warn_of_loss(message: str) -> None:
    """Say what a format cannot hold."""
    warnings.warn(message, FormatLossWarning, stacklevel=2)
