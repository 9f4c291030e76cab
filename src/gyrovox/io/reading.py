"""From paths to a volume, with every check that needs no voxel."""

import os
from collections.abc import Sequence
from pathlib import Path

from gyrovox.errors import FileAccessError, FileFormatError, MissingFileError, VolumeError
from gyrovox.io.channels import joined
from gyrovox.io.formats import format_and_suffix
from gyrovox.io.location import Location, PathLike, locations
from gyrovox.io.volume_format import VolumeFormat
from gyrovox.volumes import Volume


def read(path: PathLike | Sequence[PathLike]) -> Volume:
    """The volume in a file, or in several files that are its channels; voxels are read later.

    Args:
        path: `scan.nii.gz`, `stack.h5::raw`, channels as `flair.nii.gz,t1c.nii.gz`, or a sequence
            of paths.

    Returns:
        The volume.

    Raises:
        MissingFileError: If there is no file, or a folder where a file is meant.
        FileAccessError: If it may not be read.
        FileFormatError: If the suffix is unknown, or the file is not what its header says.
        VolumeError: If it holds no 3-D volume of real numbers.
        VolumeMismatchError: If channels differ in shape, in voxel size or in where they lie.
    """
    found = locations(path)
    if not found:
        raise MissingFileError("a volume must have at least one file, and none came. Name one")
    return joined([_read_one(location) for location in found])


def _read_one(location: Location) -> Volume:
    kind = existing_format(location)
    volume = kind.read(location)
    if min(volume.spatial_shape) == 1:
        raise VolumeError(
            f"{location}: a volume must have at least 2 voxels along each axis, and this is a 2-D "
            f"image: {volume.spatial_shape} (z, y, x). Stack the images into one file"
        )
    return volume


def existing_format(location: Location) -> VolumeFormat:
    """The format of a file that is there.

    Raises:
        MissingFileError: If there is no file, or a folder where a file is meant.
        FileAccessError: If it may not be read.
        FileFormatError: If the suffix is unknown, the file is empty, or a dataset is named where
            the format has none.
    """
    path = location.path
    if not path.exists():
        raise MissingFileError(f"{path}: the file must exist, and does not. Check the path")
    if not os.access(path, os.R_OK):
        raise FileAccessError(
            f"{path}: the file must be readable, and this user may not read it. "
            f"Change its permissions"
        )
    kind, suffix = _format_of_existing(path)
    if path.is_dir() and not kind.folders:
        raise MissingFileError(
            f"{path}: a {kind.name} volume must be a file, and this is a folder. Name a file in it"
        )
    if path.is_file() and kind.folders:
        raise FileFormatError(
            f"{path}: a {suffix} volume must be a folder, and this is a file. Unpack it first"
        )
    if path.is_file() and path.stat().st_size == 0:
        raise FileFormatError(
            f"{path}: the file must hold a volume, and it is empty (0 bytes). "
            f"Copy it again from where it came"
        )
    if location.dataset is not None and not kind.holds_datasets:
        raise FileFormatError(
            f"{location}: only HDF5 and Zarr hold datasets, and {kind.name} does not. "
            f"Leave '::{location.dataset}' away"
        )
    return kind


def _format_of_existing(path: Path) -> tuple[VolumeFormat, str]:
    """As the name says; a folder of another name is no volume.

    Raises:
        MissingFileError: If it is such a folder.
        FileFormatError: If the suffix is unknown.
    """
    try:
        return format_and_suffix(path)
    except FileFormatError:
        if path.is_dir():
            raise MissingFileError(
                f"{path}: a volume must be a file, or an OME-Zarr folder whose name ends in "
                f".zarr, and this is another folder. Name a file in it"
            ) from None
        raise
