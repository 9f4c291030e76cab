"""MRC: maps and tomograms of electron microscopy (.mrc, .map, .rec, .st).

Labels up to 127 are written as mode 0, which signed and unsigned readers see alike, larger ones as
mode 6. Images of unsigned bytes are written as mode 6, as mrcfile does. What the header's fields
mean is decided in `mrc_header.py`.
"""

from typing import ClassVar, final

import numpy as np

from gyrovox.errors import VolumeError
from gyrovox.io.location import Location
from gyrovox.io.mapped import MappedSource
from gyrovox.io.mrc_header import MrcHeader, header_to_write, read_header
from gyrovox.io.storage import storable_dtype, stored_slabs, warn_of_lost_directions
from gyrovox.io.volume_format import Content, VolumeFormat
from gyrovox.volumes import Volume, axis_aligned
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
            dtype = np.dtype("i1" if int(volume.read().max()) <= 127 else "u2")
        header = header_to_write(volume, dtype, content)
        slabs = (voxels for _, voxels in stored_slabs(volume, dtype, format_name=self.name))
        if header.axis_order != (0, 1, 2, 3):  # turned back, which needs all slabs at once
            whole = np.concatenate(list(slabs), axis=1)
            slabs = (turned for turned in [whole.transpose(np.argsort(header.axis_order))])
        statistics = RunningStatistics()
        with location.path.open("wb") as file:
            file.write(header.to_bytes())
            for voxels in slabs:
                statistics.add(voxels)
                file.write(np.ascontiguousarray(voxels, dtype=header.voxel_type).data)
            _set_statistics(header, statistics)
            file.seek(0)
            file.write(header.to_bytes())


def _set_statistics(header: MrcHeader, statistics: RunningStatistics) -> None:
    """Viewers take their contrast from these."""
    header.fields["dmin"], header.fields["dmax"] = statistics.minimum, statistics.maximum
    header.fields["dmean"], header.fields["rms"] = statistics.mean, statistics.deviation
