"""What is in a file: `gyrovox info`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from gyrovox.io.location import Location, PathLike, locations
from gyrovox.io.reading import existing_format, read
from gyrovox.io.volume_format import DatasetDescription
from gyrovox.volumes import slabs
from gyrovox.volumes.running_statistics import RunningStatistics

_SLAB_BYTES = 2**23  # statistics take several times as much, in float64


@dataclass(frozen=True, kw_only=True)
class FileDescription:
    """What a file holds. Where it holds several datasets and none is named, only these are told.

    Args:
        path: The path as it was given.
        format: Name of the format.
        shape: (channels, z, y, x).
        dtype: Type of the voxels as they are read.
        voxel_size_nm: Length of a voxel along (z, y, x); None where it is unknown.
        origin_nm: Position (z, y, x) of voxel (0, 0, 0); in voxels where their size is unknown.
        directions: For each of (z, y, x) the axis of the world that it runs along: "+z", "-y".
        value_range: Smallest and largest finite voxel; None where there is none.
        not_finite: Number of NaN and infinite voxels.
        memory_bytes: What all channels take as float32.
        datasets: The arrays of the file, where it holds several and none is named.
    """

    path: str
    format: str
    shape: tuple[int, int, int, int] | None = None
    dtype: str | None = None
    voxel_size_nm: tuple[float, float, float] | None = None
    origin_nm: tuple[float, float, float] | None = None
    directions: tuple[str, str, str] | None = None
    value_range: tuple[float, float] | None = None
    not_finite: int = 0
    memory_bytes: int | None = None
    datasets: tuple[DatasetDescription, ...] = field(default=())

    @property
    def axes(self) -> str:
        """What the numbers of `shape` count."""
        return "channel, z, y, x"


def describe(path: PathLike | Sequence[PathLike]) -> FileDescription:
    """Look through a file, a slab of slices at a time.

    Args:
        path: As for `read`.

    Returns:
        What it holds.

    Raises:
        MissingFileError: If there is no file, or a folder where a file is meant.
        FileAccessError: If it may not be read.
        FileFormatError: If the suffix is unknown, or the file is not what its header says.
        VolumeError: If it holds no 3-D volume of real numbers.
        VolumeMismatchError: If channels differ in shape, in voxel size or in where they lie.
    """
    found = locations(path)
    name = ",".join(str(location) for location in found)
    if len(found) == 1 and found[0].dataset is None:
        several = _datasets(found[0])
        if len(several) > 1:
            kind = existing_format(found[0])
            return FileDescription(path=name, format=kind.name, datasets=several)
    volume = read(path)
    kinds = dict.fromkeys(existing_format(location).name for location in found)
    statistics = RunningStatistics()
    for region in slabs(volume.source, max_bytes=_SLAB_BYTES):
        statistics.add(volume.read(region))
    return FileDescription(
        path=name,
        format=" and ".join(kinds),
        shape=volume.shape,
        dtype=str(volume.dtype),
        voxel_size_nm=volume.voxel_size_nm,
        origin_nm=volume.origin_nm,
        directions=_directions(volume.affine),
        value_range=(statistics.minimum, statistics.maximum) if statistics.finite else None,
        not_finite=statistics.not_finite,
        memory_bytes=int(np.prod(volume.shape, dtype=np.int64)) * 4,
    )


def _datasets(location: Location) -> tuple[DatasetDescription, ...]:
    return existing_format(location).datasets(location.path)


def _directions(affine: Float64[np.ndarray, "4 4"]) -> tuple[str, str, str]:
    """For each of (z, y, x) the axis of the world that it runs along most."""
    names = []
    for column in affine[:3, :3].T:
        world = int(np.abs(column).argmax())
        names.append(("+" if column[world] > 0 else "-") + "zyx"[world])
    z, y, x = names
    return z, y, x
