"""TIFF: stacks of microscopy (.tif, .tiff, .ome.tif).

Read: plain stacks, ImageJ's hyperstacks and OME-TIFF; memory-mapped where the voxels lie in one
uncompressed piece, page by page otherwise. Written: ImageJ's, which Fiji opens with its voxel size;
OME's where the name ends in .ome.tif, or ImageJ has no such type or no such size.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, final
from uuid import UUID

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.location import Location
from gyrovox.io.mapped import MappedSource
from gyrovox.io.storage import storable_dtype, stored_slabs, warn_of_lost_directions
from gyrovox.io.tiff_metadata import (
    TiffHeader,
    imagej_header,
    imagej_metadata,
    ome_header,
    ome_metadata,
)
from gyrovox.io.volume_format import Content, VolumeFormat
from gyrovox.volumes import ArraySource, Region, Volume

_IMAGEJ = ("u1", "u2", "f4")
_OME = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
_FITS_IMAGEJ = "bool", "uint8", "uint16", "float16", "float32"
_MOST_BYTES = 2**32 - 2**25  # offsets are 32 bits; what is left is for the description
_PAGE = 1024  # bytes that say where a page lies, about
_UNNAMED = UUID(int=0)  # what a file is called until all of it is written
_UNNAMED_AXES = "IQR"  # tifffile's letters for pages that say nothing


@dataclass(frozen=True)
class _Layout:
    """How the voxels of a series lie."""

    dtype: np.dtype[Any]
    stored_shape: tuple[int, int, int, int]
    order: tuple[int, int, int, int]  # for each of (channels, z, y, x), which stored axis it is
    offset: int | None  # of the first voxel, where all lie in one piece as they are
    pages_are_slices: bool


@final
class PagedSource:
    """Voxels in pages that have to be unpacked."""

    def __init__(self, path: Path, layout: _Layout) -> None:
        self._path = path
        self._layout = layout

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        stored, order = self._layout.stored_shape, self._layout.order
        channels, depth, height, width = (stored[axis] for axis in order)
        return channels, depth, height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in the byte order of this machine."""
        return self._layout.dtype.newbyteorder("=")

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels.

        Raises:
            FileFormatError: If a page cannot be unpacked.
        """
        from tifffile import TiffFile

        stored, order = self._layout.stored_shape, self._layout.order
        try:
            with TiffFile(self._path) as file:
                if self._layout.pages_are_slices:
                    pages = self._pages(region)
                    voxels = file.asarray(key=pages.ravel().tolist(), series=0, maxworkers=1)
                    voxels = voxels.reshape(*pages.shape, *stored[2:])
                    voxels = voxels[..., region.slices[1], region.slices[2]]
                else:
                    voxels = file.series[0].asarray(maxworkers=1).reshape(stored)
                    voxels = voxels.transpose(order)[:, *region.slices]
        except Exception as error:  # each codec has errors of its own
            raise FileFormatError(
                f"{self._path}: every page must unpack, and one does not ({error}). "
                f"Copy the file again from where it came"
            ) from error
        return np.array(voxels, dtype=self.dtype, order="C")

    def _pages(self, region: Region) -> Shaped[np.ndarray, "channels z"]:
        """Numbers of the pages that hold a region."""
        stored, order = self._layout.stored_shape, self._layout.order
        numbers = np.arange(stored[0] * stored[1]).reshape(stored[:2])
        return (numbers if order[0] == 0 else numbers.T)[:, region.slices[0]]


@final
class Tiff(VolumeFormat):
    """Plain TIFF stacks, ImageJ's and OME's."""

    name: ClassVar[str] = "TIFF"
    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff", ".ome.tif", ".ome.tiff")
    label_suffixes: ClassVar[dict[str, str]] = {".tiff": ".tif", ".ome.tiff": ".ome.tif"}

    def read(self, location: Location) -> Volume:
        """The volume of a TIFF file.

        Raises:
            FileFormatError: If the file is no TIFF, or is shorter than its pages.
            VolumeError: If it holds no single 3-D volume of real numbers.
        """
        path = location.path
        with _opened(path) as file:
            layout = _layout(path, file)
            header = _header(file)
        source: ArraySource
        if layout.offset is None:
            source = PagedSource(path, layout)
        else:
            source = MappedSource(
                path,
                offset=layout.offset,
                dtype=layout.dtype,
                stored_shape=layout.stored_shape,
                order=layout.order,
            )
        return Volume(
            source=source,
            voxel_size_nm=header.voxel_size_nm,
            affine=header.affine,
            name=path.name,
            path=path,
            header=header,
        )

    def write(self, volume: Volume, location: Location, *, content: Content) -> None:
        """Write a volume as ImageJ's or OME's TIFF, page by page."""
        del content
        import tifffile

        warn_of_lost_directions(volume, self.name)
        channels, depth, height, width = volume.shape
        named_ome = location.path.name.lower().endswith((".ome.tif", ".ome.tiff"))
        imagej = volume.dtype.name in _FITS_IMAGEJ and not named_ome
        dtype = storable_dtype(volume.dtype, _IMAGEJ if imagej else _OME)
        if imagej and _is_big(volume.shape, dtype):
            imagej, dtype = False, storable_dtype(volume.dtype, _OME)
        metadata, resolution = imagej_metadata(volume) if imagej else (ome_metadata(volume), None)
        if not imagej:
            metadata["UUID"] = f"urn:uuid:{_UNNAMED}"
        digest = blake2b(f"{volume.shape} {dtype} {metadata}".encode(), digest_size=16)
        several = channels > 1
        tifffile.imwrite(
            location.path,
            _pages_to_write(volume, dtype, digest),
            shape=(depth, channels, height, width) if several else (depth, height, width),
            dtype=dtype,
            # Said here: of pages that come one by one, tifffile does not add up the sizes.
            bigtiff=_is_big(volume.shape, dtype),
            imagej=imagej,
            ome=not imagej,
            photometric="minisblack",
            resolution=resolution,
            metadata={"axes": "ZCYX" if several else "ZYX"} | metadata,
        )
        if not imagej:
            _name_by_content(location.path, digest.digest())


def _name_by_content(path: Path, digest: bytes) -> None:
    """Give an OME-TIFF the UUID of its content, so that it is the same file at any time of day.

    By the rules of version 8, for digests of one's own choice.

    Source:
        RFC 9562 (2024), section 5.8. https://www.rfc-editor.org/rfc/rfc9562
    """
    import tifffile

    bits = bytearray(digest)
    bits[6] = bits[6] & 0x0F | 0x80
    bits[8] = bits[8] & 0x3F | 0x80
    described = str(tifffile.tiffcomment(path))
    named = described.replace(str(_UNNAMED), str(UUID(bytes=bytes(bits))), 1)
    # As long as before, so that it takes the same place.
    tifffile.tiffcomment(path, named.encode())


def _is_big(shape: tuple[int, int, int, int], dtype: np.dtype[Any]) -> bool:
    """Whether a file needs offsets of 64 bits: BigTIFF, which ImageJ's own kind cannot be."""
    channels, depth, height, width = shape
    page = height * width * dtype.itemsize + _PAGE
    return channels * depth * page > _MOST_BYTES


def _pages_to_write(volume: Volume, dtype: np.dtype[Any], digest: blake2b) -> Iterator[np.ndarray]:
    """Slices in the order of ImageJ: channels of a slice one after the other; digested too."""
    for _, voxels in stored_slabs(volume, dtype, format_name="TIFF"):
        for slices in voxels.swapaxes(0, 1):
            for page in slices:
                stored = np.ascontiguousarray(page)
                digest.update(stored.data)
                yield stored


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A TIFF file, with what tifffile would only log about it raised.

    Raises:
        FileFormatError: If it is no TIFF, or is damaged.
    """
    from tifffile import TiffFile, TiffFileError

    complaints = _Complaints()
    logger = logging.getLogger("tifffile")
    logger.addHandler(complaints)
    passed_on, logger.propagate = logger.propagate, False
    try:
        with TiffFile(path) as file:
            len(file.pages)  # walks along the chain of pages, which a truncated file breaks
            len(file.series)
            if complaints.messages:
                raise FileFormatError(_damaged(path, complaints.messages[0]))
            yield file
    except (TiffFileError, OSError) as error:
        raise FileFormatError(_damaged(path, str(error))) from error
    finally:
        logger.removeHandler(complaints)
        logger.propagate = passed_on


class _Complaints(logging.Handler):
    """Keeps what tifffile logs as an error about pages; other tags may be as they like."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if any(words in message for words in ("TiffPages", "series", "invalid value offset")):
            self.messages.append(message)


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path}: the file must be a whole TIFF, and is not ({reason}). Check that it is a TIFF "
        f"file, and copy it again if it is"
    )


def _layout(path: Path, file: Any) -> _Layout:  # noqa: ANN401 - tifffile loads late
    if len(file.series) != 1:
        shapes = ", ".join(str(series.shape) for series in file.series)
        raise VolumeError(
            f"{path}: a file must hold one stack of equal pages, and this one holds "
            f"{len(file.series)}: {shapes}. Save one to a file of its own"
        )
    series = file.series[0]
    axes = _named_axes(path, series.get_axes(squeeze=False), series.get_shape(squeeze=False))
    if series.dtype is None or series.dtype.kind not in "buif":
        raise VolumeError(
            f"{path}: voxels must be real numbers, and this file holds {series.dtype} numbers. "
            f"Convert it first"
        )
    offset = None if series.dtype.kind == "b" else series.dataoffset
    _check_size(path, file, offset)
    _check_codec(path, series.keyframe)
    names = list(axes)
    stored_shape = tuple(axes.values())
    channel, z, y, x = (names.index(name) for name in "CZYX")
    return _Layout(
        dtype=np.dtype(file.byteorder + series.dtype.char) if offset is not None else series.dtype,
        stored_shape=(stored_shape[0], stored_shape[1], stored_shape[2], stored_shape[3]),
        order=(channel, z, y, x),
        offset=offset,
        pages_are_slices=names[2:] == ["Y", "X"]
        and series.keyframe.shape == stored_shape[2:]
        and len(series.pages) == stored_shape[0] * stored_shape[1],
    )


def _named_axes(path: Path, letters: str, shape: tuple[int, ...]) -> dict[str, int]:
    """C, Z, Y and X with their lengths, in the order of the file; axes of length 1 say nothing.

    Raises:
        VolumeError: If other axes are left, or one of these is missing.
    """
    axes = [(name, size) for name, size in zip(letters, shape, strict=True) if size > 1]
    names = "".join(name for name, _ in axes)
    if "S" in names:
        raise VolumeError(
            f"{path}: voxels must be single numbers, and this file holds RGB colours (axes "
            f"{names}). Split the colours into channels (Fiji: Image > Color > Split Channels)"
        )
    if "Z" not in names and sum(name in _UNNAMED_AXES for name in names) == 1:
        axes = [("Z" if name in _UNNAMED_AXES else name, size) for name, size in axes]
    found = sorted(name for name, _ in axes if name != "C")
    if found != ["X", "Y", "Z"]:
        kind = "a 2-D image" if len(found) < 3 else "a time series, or more than 3-D"
        raise VolumeError(
            f"{path}: a volume must have the axes Z, Y and X, and this is {kind}: axes {names} of "
            f"{tuple(size for _, size in axes)}. If slices are stored under another name, change "
            f"it (Fiji: Image > Properties)"
        )
    named = dict(axes)
    return named if "C" in named else {"C": 1} | named


def _check_size(path: Path, file: Any, offset: int | None) -> None:  # noqa: ANN401
    """Every page must end before the file does.

    Raises:
        FileFormatError: If one does not.
    """
    series = file.series[0]
    if offset is not None:
        ends = [offset + series.nbytes]
    else:
        ends = [
            start + count
            for page in series.pages
            if page is not None
            for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
    if max(ends, default=0) > file.filehandle.size:
        reason = f"its pages reach to byte {max(ends)}, and it has {file.filehandle.size}"
        raise FileFormatError(_damaged(path, reason))


def _check_codec(path: Path, page: Any) -> None:  # noqa: ANN401
    """Tifffile leaves LZW, JPEG and others to a package that we do not require.

    Raises:
        FileFormatError: If it is needed, and is not there.
    """
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
        TIFF.UNPREDICTORS[page.predictor]
    except KeyError as error:
        raise FileFormatError(
            f"{path}: the pages must be packed as this installation can unpack them, and are not "
            f"({error.args[0]}). Run `pip install imagecodecs`, or save the stack uncompressed"
        ) from error


def _header(file: Any) -> TiffHeader:  # noqa: ANN401
    """Voxel size and origin, as far as the file says them."""
    if file.is_ome and file.ome_metadata:
        return ome_header(file.ome_metadata)
    if not file.is_imagej:
        return TiffHeader()
    resolution = []
    for name in ("YResolution", "XResolution"):
        tag = file.pages.first.tags.get(name)
        count, per = (0, 1) if tag is None else tag.value
        resolution.append(count / per if per else 0.0)
    known = min(resolution) > 0
    return imagej_header(
        file.imagej_metadata or {}, (resolution[0], resolution[1]) if known else None
    )
