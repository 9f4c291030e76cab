"""MRC: maps and tomograms of electron microscopy (.mrc, .map, .rec, .st).

Labels up to 127 are written as mode 0, which signed and unsigned readers see alike, larger ones as
mode 6. Images of unsigned bytes are written as mode 6, as mrcfile does. What the header's fields
mean is decided in `mrc_header.py`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import VolumeError
from gyrovox.io.location import Location
from gyrovox.io.mapped import MappedSource
from gyrovox.io.mrc_header import MrcHeader, header_to_write, read_header
from gyrovox.io.storage import storable_dtype, stored_slabs, warn_of_lost_directions
from gyrovox.io.volume_format import Content, VolumeFormat
from gyrovox.volumes import ArraySource, Region, Volume, axis_aligned, slabs
from gyrovox.volumes.running_statistics import RunningStatistics

# Unsigned bytes find u2 first, as in mrcfile; the most general comes last.
_AVAILABLE = ("i1", "u2", "i2", "f2", "f4")


@final
class Mrc(VolumeFormat):
    """MRC2014, and what IMOD and older programs write."""

    name: ClassVar[str] = "MRC"
    suffixes: ClassVar[tuple[str, ...]] = (".mrc", ".rec", ".map", ".st", ".ali")
    label_suffixes: ClassVar[dict[str, str]] = dict.fromkeys(suffixes, ".mrc")

    def read(self, location: Location) -> Volume:
        """The volume of an MRC file, memory-mapped.

        Raises:
            FileFormatError: If the header is none, or disagrees with the size of the file.
            VolumeError: If the file holds several volumes, complex numbers or colours.
        """
        path = location.path
        header = read_header(path)
        voxel_size_nm = header.voxel_size_nm
        return Volume(
            source=MappedSource(
                path,
                offset=header.data_offset,
                dtype=header.voxel_type,
                stored_shape=header.stored_shape,
                order=header.axis_order,
            ),
            voxel_size_nm=voxel_size_nm,
            affine=axis_aligned(voxel_size_nm, header.origin_nm),
            name=path.name,
            path=path,
            header=header,
        )

    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write a volume of one channel, in the axis and byte order of the file it came from.

        Raises:
            VolumeError: If it has several channels, or integers that no mode holds.
        """
        if volume.channels != 1:
            raise VolumeError(
                f"{volume.name}: an MRC file must hold one channel, and {volume.channels} came. "
                f"Write to .ome.zarr, .h5, .tif or .nii.gz"
            )
        warn_of_lost_directions(volume, self.name)
        dtype = storable_dtype(volume.dtype, _AVAILABLE)
        if content == "labels":
            dtype = _label_type(volume.source)
        header = header_to_write(volume, dtype, content)
        turned = Volume(
            source=_AsStored(volume.source, header.axis_order),
            voxel_size_nm=None,
            affine=axis_aligned(None),
            name=volume.name,
        )
        statistics = RunningStatistics()
        with location.path.open("wb") as file:
            file.write(header.to_bytes())
            for _, voxels in stored_slabs(turned, dtype, format_name=self.name):
                for section in voxels[0]:  # of a whole slab, their squares would take a lot
                    statistics.add(section)
                file.write(np.ascontiguousarray(voxels, dtype=header.voxel_type).data)
            _set_statistics(header, statistics)
            file.seek(0)
            file.write(header.to_bytes())


@final
@dataclass(frozen=True)
class _AsStored:
    """Voxels with the axes of a file, so that what is read together lies together there.

    Args:
        source: The voxels.
        order: For each of (channels, z, y, x), which axis of the file it is.
    """

    source: ArraySource
    order: tuple[int, int, int, int]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Voxels along the axes of the file."""
        channels, sections, rows, columns = (self.source.shape[axis] for axis in self._axes)
        return channels, sections, rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return self.source.dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels sections rows columns"]:
        """The voxels of a region, which is one of sections, rows and columns."""
        start = [region.start[axis - 1] for axis in self.order[1:]]
        stop = [region.stop[axis - 1] for axis in self.order[1:]]
        box = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        return self.source.read(box).transpose(self._axes)

    @property
    def _axes(self) -> tuple[int, ...]:
        """For each axis of the file, which of (channels, z, y, x) it is."""
        return tuple(self.order.index(axis) for axis in range(4))


def _label_type(labels: ArraySource) -> np.dtype[Any]:
    """The mode that labels are written in; they are read until one is found that is large."""
    large = any(labels.read(slab).max() > 127 for slab in slabs(labels))
    return np.dtype("u2" if large else "i1")


def _set_statistics(header: MrcHeader, statistics: RunningStatistics) -> None:
    """Viewers take their contrast from these."""
    header.fields["dmin"], header.fields["dmax"] = statistics.minimum, statistics.maximum
    header.fields["dmean"], header.fields["rms"] = statistics.mean, statistics.deviation
