"""Labels of a volume whose tiles lie in a run's files, to be written region by region."""

import os
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Shaped
from numpy.lib import format as npy
from numpy.typing import NDArray

from gyrovox.volumes import Region

_LOCAL_HEADER = 30  # bytes of a member's header in a zip file, without name and extra field


@final
class LookedUp:
    """Every voxel's entry in a table: an `ArraySource` over the files of tiles.

    Args:
        shape: Voxels of the volume along (z, y, x).
        tiles: The tiles of the volume, in the order of the files.
        files: An ``.npz`` for each, with labels, int32 from −1 on.
        tables: What the labels of each tile stand for; its last entry is what −1 stands for.
            All of one type.
        member: What the labels are called in the files.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        tiles: Sequence[Region],
        files: Sequence[Path],
        tables: Sequence[NDArray[Any]],
        *,
        member: str = "labels",
    ) -> None:
        self._shape = shape
        self._tiles = list(zip(tiles, files, tables, strict=True))
        self._member = member
        self._dtype: np.dtype[Any] = tables[0].dtype

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return (1, *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self._dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The entries of a region's voxels, as an array that the caller owns."""
        found = np.empty((1, *region.shape), self._dtype)
        for core, file, table in self._tiles:
            common = shared(core, region)
            if common is None:
                continue
            labels = mapped(file, self._member)[inside_of(core, common)]
            found[0][inside_of(region, common)] = table[labels]
        return found


def mapped(file: Path, member: str) -> NDArray[Any]:
    """An array of a file that `np.savez` wrote, of which only what is looked at is read.

    A slab of a wide volume is thinner than the tiles that it cuts; to read each of them as a whole
    for every slab would be to read everything many times.

    Args:
        file: The ``.npz``; its arrays are not compressed.
        member: Name of the array.

    Returns:
        A memory map.

    Source:
        PKWARE (2022), .ZIP file format specification, section 4.3.7.
        https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
    """
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo(f"{member}.npy").header_offset
    with file.open("rb") as stored:
        # Lengths of the name and of the extra field end the fixed part of the header.
        stored.seek(start + _LOCAL_HEADER - 4)
        name, extra = struct.unpack("<HH", stored.read(4))
        stored.seek(name + extra, os.SEEK_CUR)
        npy.read_magic(stored)
        shape, is_fortran, dtype = npy.read_array_header_1_0(stored)
        order: Literal["C", "F"] = "F" if is_fortran else "C"
        return np.memmap(file, dtype, "r", stored.tell(), shape, order)


def shared(one: Region, other: Region) -> Region | None:
    """The voxels that two regions share.

    Args:
        one: A region.
        other: Another one.

    Returns:
        Their common box; None if they share nothing.
    """
    start = tuple(max(a, b) for a, b in zip(one.start, other.start, strict=True))
    stop = tuple(min(a, b) for a, b in zip(one.stop, other.stop, strict=True))
    if any(last <= first for first, last in zip(start, stop, strict=True)):
        return None
    return Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def inside_of(whole: Region, part: Region) -> tuple[slice, slice, slice]:
    """Where a part of a region is in an array of the region.

    Args:
        whole: The region.
        part: A region within it.

    Returns:
        Slices along (z, y, x).
    """
    z, y, x = (
        slice(first - zero, last - zero)
        for zero, first, last in zip(whole.start, part.start, part.stop, strict=True)
    )
    return z, y, x
