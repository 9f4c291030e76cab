"""From a volume, or from labels over one, to a file that is either whole or not there."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt

from gyrovox.errors import FileFormatError, VolumeMismatchError
from gyrovox.io.atomic import written_whole
from gyrovox.io.formats import format_and_suffix
from gyrovox.io.location import Location, PathLike, locations
from gyrovox.io.volume_format import Content
from gyrovox.volumes import ArraySource, InMemory, Volume


def write(volume: Volume, path: PathLike, *, overwrite: bool = False) -> None:
    """Write a volume in the format that the path's suffix means.

    Args:
        volume: What to write, in slabs.
        path: A path, or `path::dataset` where the format has datasets.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileFormatError: If the suffix is unknown, or a dataset is named where there are none.
        VolumeError: If the format cannot hold the voxels.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    _write(volume, Location.parse(path), content="image", overwrite=overwrite)


def write_labels(
    labels: UInt[np.ndarray, "z y x"], path: PathLike, *, like: Volume, overwrite: bool = False
) -> None:
    """Write a label volume that lies exactly over the volume it was made from.

    Shape, axis order, voxel size, origin and directions are those of the source; where the format
    is the source's own, so is its header.

    Args:
        labels: Classes from 0 on, uint8 or uint16, (z, y, x).
        path: A path, or `path::dataset` where the format has datasets.
        like: The volume that the labels are of.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        VolumeMismatchError: If the shapes differ, or the labels are neither uint8 nor uint16.
        FileFormatError: If the suffix is unknown, or a dataset is named where there are none.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    write_label_source(InMemory(labels[np.newaxis]), path, like=like, overwrite=overwrite)


def write_label_source(
    labels: ArraySource, path: PathLike, *, like: Volume, overwrite: bool = False
) -> None:
    """Write labels that need not fit in memory, slab by slab, as `write_labels` does.

    Args:
        labels: Classes from 0 on, uint8 or uint16, one channel.
        path: A path, or `path::dataset` where the format has datasets.
        like: The volume that the labels are of.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        VolumeMismatchError: If the shapes differ, or the labels are neither uint8 nor uint16.
        FileFormatError: If the suffix is unknown, or a dataset is named where there are none.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    if labels.shape != (1, *like.spatial_shape):
        raise VolumeMismatchError(
            f"labels must have the shape of their volume, and {labels.shape[1:]} came for "
            f"{like.spatial_shape} voxels (z, y, x) of {like.name}. Pass the volume they are of"
        )
    if labels.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise VolumeMismatchError(
            f"labels must be uint8 or uint16, and {labels.dtype} came. Convert them with astype"
        )
    volume = Volume(
        source=labels,
        voxel_size_nm=like.voxel_size_nm,
        affine=like.affine,
        name=f"labels of {like.name}",
        path=like.path,
        header=like.header,
    )
    _write(volume, Location.parse(path), content="labels", overwrite=overwrite)


def label_suffix(path: PathLike) -> str:
    """How the names of label volumes beside an input end: `.nii.gz`, `.mrc`, `.h5`, `.ome.zarr`.

    Args:
        path: The input: a path, `path::dataset`, or several joined by commas.

    Returns:
        The suffix, with its dot.

    Raises:
        FileFormatError: If the input's suffix is unknown.
    """
    kind, suffix = format_and_suffix(_first(path))
    return kind.label_suffixes.get(suffix, suffix)


def stem(path: PathLike) -> str:
    """The name of an input without folder, suffix and dataset: `scan` of `a/scan.nii.gz`.

    Args:
        path: The input: a path, `path::dataset`, or several joined by commas, whose first counts.

    Returns:
        The stem.

    Raises:
        FileFormatError: If the input's suffix is unknown.
    """
    first = _first(path)
    _, suffix = format_and_suffix(first)
    return first.name[: -len(suffix)]


def _first(path: PathLike) -> Path:
    found = locations(path)
    if not found:
        raise FileFormatError(f"a volume must have at least one file, and {path!r} names none")
    return Path(os.path.normpath(found[0].path))


def _write(volume: Volume, location: Location, *, content: Content, overwrite: bool) -> None:
    kind, suffix = format_and_suffix(location.path)
    if location.dataset is not None and not kind.holds_datasets:
        raise FileFormatError(
            f"{location}: only HDF5 holds datasets that can be written, and {kind.name} does not. "
            f"Leave '::{location.dataset}' away"
        )
    with written_whole(location.path, overwrite=overwrite, suffix=suffix) as beside:
        kind.write(volume, Location(beside, location.dataset), content=content)
