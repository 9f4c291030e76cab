"""NIfTI: magnetic resonance and other medical images (.nii, .nii.gz).

What the header's fields mean is decided in `nifti_header.py`. Labels keep the source's header, both
transforms and extensions included, with slope 1 and the label intent.
"""

import gzip
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import FileFormatError
from gyrovox.io.channels import one_channel
from gyrovox.io.gzip_index import IndexedGzip
from gyrovox.io.location import Location
from gyrovox.io.mapped import MappedSource
from gyrovox.io.nifti_header import header_to_write, read_header
from gyrovox.io.storage import storable_dtype, stored_slabs
from gyrovox.io.volume_format import Content, VolumeFormat
from gyrovox.volumes import ArraySource, Region, Volume

_AVAILABLE = ("u1", "i1", "i2", "u2", "i4", "u4", "f4", "i8", "u8", "f8")
_GZIP_LEVEL = 4  # a third of the time of level 9, for files a few per cent larger


@final
class GzippedSource:
    """Voxels in a .nii.gz, which is unpacked from the nearest checkpoint for every read."""

    def __init__(
        self, path: Path, *, offset: int, dtype: np.dtype[Any], shape: tuple[int, int, int, int]
    ) -> None:
        self._content = IndexedGzip(path)
        self._offset = offset
        self._stored_dtype = dtype
        self._shape = shape

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in the byte order of this machine."""
        return self._stored_dtype.newbyteorder("=")

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels."""
        channels, depth, height, width = self._shape
        slice_bytes = height * width * self._stored_dtype.itemsize
        slices = region.shape[0]
        voxels = np.empty((channels, *region.shape), self.dtype)
        for channel in range(channels):
            start = self._offset + (channel * depth + region.start[0]) * slice_bytes
            raw = self._content.read(start, slices * slice_bytes)
            whole = np.frombuffer(raw, self._stored_dtype).reshape(slices, height, width)
            voxels[channel] = whole[:, *region.slices[1:]]
        return voxels


@final
class ScaledSource:
    """Stored numbers times a slope plus an intercept, as the header says."""

    def __init__(self, stored: ArraySource, slope: float, intercept: float) -> None:
        self._stored = stored
        self._slope = slope
        self._intercept = intercept

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self._stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32, or float64 where the stored type has more digits than that."""
        return np.result_type(self._stored.dtype, np.float32)

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels, scaled."""
        stored = self._stored.read(region).astype(np.float64)
        return (stored * self._slope + self._intercept).astype(self.dtype)


@final
class Nifti(VolumeFormat):
    """NIfTI-1 and NIfTI-2 in one file, gzipped or not."""

    name: ClassVar[str] = "NIfTI"
    suffixes: ClassVar[tuple[str, ...]] = (".nii.gz", ".nii")

    def read(self, location: Location) -> Volume:
        """The volume of a NIfTI file: memory-mapped, or unpacked when it is read.

        Raises:
            FileFormatError: If the header is none, or disagrees with the size of the file.
            VolumeError: If the file holds no single 3-D volume of real numbers.
        """
        path = location.path
        header = read_header(path)
        offset, dtype, shape = header.data_offset, header.voxel_type, header.shape
        expected = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        source: ArraySource
        if _is_gzipped(path):
            _check_gzip_size(path, expected)
            source = GzippedSource(path, offset=offset, dtype=dtype, shape=shape)
        else:
            _check_size(path, path.stat().st_size, expected)
            source = MappedSource(path, offset=offset, dtype=dtype, stored_shape=shape)
        if (header.slope, header.intercept) != (1.0, 0.0):
            source = ScaledSource(source, header.slope, header.intercept)
        return Volume(
            source=source,
            voxel_size_nm=header.voxel_size_nm,
            affine=header.affine,
            name=path.name,
            path=path,
            header=header,
        )

    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write a volume with the header of the file it came from, or with one of its own."""
        dtype = storable_dtype(volume.dtype, _AVAILABLE)
        header = header_to_write(volume, dtype, content)
        with _opened_to_write(location.path) as file:
            header.fields.write_to(file)
            for channel in range(volume.channels):
                one = one_channel(volume, channel)
                for _, voxels in stored_slabs(one, dtype, format_name=self.name):
                    file.write(np.ascontiguousarray(voxels, dtype=header.voxel_type).data)


def _is_gzipped(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


@contextmanager
def _opened_to_write(path: Path) -> Iterator[BinaryIO]:
    """A binary file, packed where the path says so, the same bytes at any time of day."""
    with path.open("wb") as raw:
        if not _is_gzipped(path):
            yield raw
            return
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, fileobj=raw, mtime=0) as packed:
            yield cast("BinaryIO", packed)


def _check_gzip_size(path: Path, expected: int) -> None:
    """Compare with the size that gzip keeps in its last 4 bytes, else unpack it all."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        (announced,) = struct.unpack("<I", file.read(4))
    if announced != expected % 2**32:  # several members, or not the end of the file
        _check_size(path, IndexedGzip(path).unpacked_size(), expected)


def _check_size(path: Path, found: int, expected: int) -> None:
    if found != expected:
        advice = "It is truncated: copy" if found < expected else "Copy"
        raise FileFormatError(
            f"{path}: by its header the file must have {expected} bytes (unpacked), and it has "
            f"{found}. {advice} it again from where it came"
        )
