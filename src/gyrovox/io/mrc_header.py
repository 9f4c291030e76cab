"""What the fields of an MRC header mean.

Conventions that are decided here:

- Mode 0 is unsigned where the header says so as IMOD does: by its flag, or, without IMOD's stamp,
  by a minimum of at least 0 and a maximum above 127. Everywhere else it is signed (MRC2014).
- Voxel (0, 0, 0) lies at ORIGIN, or where that is zero at NSTART times the voxel size (the rule of
  ChimeraX). Files with IMOD's stamp that know no MRC2014 have ORIGIN with the other sign, unless a
  flag says so.
- MAPC, MAPR and MAPS name the axes of the file; CELLA, M and ORIGIN count along x, y and z, but N
  and NSTART along the file's columns, rows and sections.

Source:
    MRC2014 and its update 20141, https://www.ccpem.ac.uk/mrc-format/mrc2014/; for the stamp and
    the flags IMOD, https://bio3d.colorado.edu/imod/doc/mrc_format.txt.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.length_units import rounded_lengths
from gyrovox.io.storage import warn_of_loss
from gyrovox.io.volume_format import Content
from gyrovox.volumes import Volume

_HEADER_BYTES = 1024
_MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_MODE_OF = {dtype: mode for mode, dtype in _MODES.items()}
_REFUSED_MODES = {3: "complex numbers", 4: "complex numbers", 16: "RGB colours", 101: "4-bit pairs"}
_ANGSTROM_NM = 0.1
_STACK_OF_VOLUMES = range(401, 631)  # space groups
_VERSION = 20141

_IMOD_STAMP = 1146047817
_SIGNED_BYTES, _STANDARD_ORIGIN, _PACKED_BYTES = 1, 4, 16
_STAMP_IN_EXTRA2, _FLAGS_IN_EXTRA2 = 152 - 112, 156 - 112  # extra2 starts at byte 112


@dataclass(frozen=True, eq=False)
class MrcHeader:
    """A header as it lies in a file, in the file's byte order.

    Args:
        fields: One record of mrcfile's header type.
        extension: The bytes between the header and the voxels.
    """

    fields: np.void
    extension: bytes = b""

    def to_bytes(self) -> bytes:
        """Header and extension, as they are written."""
        return bytes(self.fields.tobytes()) + self.extension

    @property
    def data_offset(self) -> int:
        """Where the first voxel lies, in bytes."""
        return _HEADER_BYTES + len(self.extension)

    @property
    def byte_order(self) -> Literal["<", ">"]:
        """Of the header and of the voxels."""
        stored = self.fields.dtype["nx"]
        return "<" if stored == np.dtype("<i4") else ">"

    @property
    def stored_shape(self) -> tuple[int, int, int, int]:
        """(1, sections, rows, columns)."""
        return 1, int(self.fields["nz"]), int(self.fields["ny"]), int(self.fields["nx"])

    @property
    def axis_order(self) -> tuple[int, int, int, int]:
        """For each of (channel, z, y, x), which axis of the stored shape it is."""
        z, y, x = (1 + self._stored_axes.index(axis) for axis in (3, 2, 1))
        return 0, z, y, x

    @property
    def voxel_type(self) -> np.dtype[Any]:
        """Type of the voxels in the file."""
        dtype = np.dtype(_MODES[int(self.fields["mode"])])
        if dtype == np.int8:
            by_range = float(self.fields["dmin"]) >= 0 and float(self.fields["dmax"]) > 127
            flags = self.imod_flags
            unsigned = by_range if flags is None else not flags & _SIGNED_BYTES
            dtype = np.dtype("u1" if unsigned else "i1")
        return dtype.newbyteorder(self.byte_order)

    @property
    def voxel_size_nm(self) -> tuple[float, float, float] | None:
        """The cell divided by its sampling, (z, y, x); None where either is missing."""
        cell = self._triple("cella", "zyx")
        samples = [int(self.fields[name]) for name in ("mz", "my", "mx")]
        if min(cell) <= 0 or min(samples) <= 0 or not np.isfinite(cell).all():
            return None
        return rounded_lengths(_ANGSTROM_NM * a / n for a, n in zip(cell, samples, strict=True))

    @property
    def origin_nm(self) -> tuple[float, float, float]:
        """Position (z, y, x) of voxel (0, 0, 0); in voxels where their size is unknown."""
        origin = self._triple("origin", "zyx")
        if self.voxel_size_nm is not None and any(origin) and np.isfinite(origin).all():
            # Before the standard of 2000 other numbers lay there.
            known = bytes(self.fields["map"])[:3] == b"MAP"
            scale = self.origin_sign * _ANGSTROM_NM if known else 0.0
            z, y, x = (scale * value for value in origin)
            return z, y, x
        starts = [int(self.fields[name]) for name in ("nzstart", "nystart", "nxstart")]
        sizes = self.voxel_size_nm or (1.0, 1.0, 1.0)
        z, y, x = (
            starts[axis - 1] * size for axis, size in zip(self.axis_order[1:], sizes, strict=True)
        )
        return z, y, x

    @property
    def origin_sign(self) -> int:
        """-1 where IMOD wrote ORIGIN as it did before MRC2014."""
        flags = self.imod_flags
        of_imod = flags is not None and not flags & _STANDARD_ORIGIN
        return -1 if of_imod and int(self.fields["nversion"]) <= 0 else 1

    @property
    def imod_flags(self) -> int | None:
        """The flags of IMOD; None without its stamp."""
        extra = self.fields["extra2"].tobytes()
        integer = np.dtype("i4").newbyteorder(self.byte_order)
        stamp, flags = np.frombuffer(extra, integer, 2, _STAMP_IN_EXTRA2)
        return int(flags) if stamp == _IMOD_STAMP else None

    def set_imod_byte_flags(self, *, signed: bool) -> None:
        """Make IMOD's flags, where there are any, say what bytes are."""
        flags = self.imod_flags
        if flags is None:
            return
        flags = flags & ~(_SIGNED_BYTES | _PACKED_BYTES) | (_SIGNED_BYTES if signed else 0)
        extra = bytearray(self.fields["extra2"].tobytes())
        stored = np.array(flags, np.dtype("i4").newbyteorder(self.byte_order)).tobytes()
        extra[_FLAGS_IN_EXTRA2 : _FLAGS_IN_EXTRA2 + 4] = stored
        self.fields["extra2"] = np.void(bytes(extra))

    @property
    def _stored_axes(self) -> list[int]:
        """Which of 1 = x, 2 = y, 3 = z the sections, rows and columns are."""
        axes = [int(self.fields[name]) for name in ("maps", "mapr", "mapc")]
        return axes if any(axes) else [3, 2, 1]  # old programs left them empty

    def _triple(self, field: str, names: str) -> list[float]:
        return [float(self.fields[field][name]) for name in names]


def read_header(path: Path) -> MrcHeader:
    """The header of a file, after every check that needs no voxel.

    Args:
        path: An MRC file.

    Returns:
        The header.

    Raises:
        FileFormatError: If it is none, or disagrees with the size of the file.
        VolumeError: If it announces anything but one volume of real numbers.
    """
    from mrcfile.dtypes import HEADER_DTYPE

    with path.open("rb") as file:
        raw = file.read(_HEADER_BYTES)
        if len(raw) < _HEADER_BYTES:
            raise FileFormatError(
                f"{path}: an MRC header must be {_HEADER_BYTES} bytes, and the whole file is "
                f"{len(raw)}: it is truncated. Copy it again from where it came"
            )
        readings = (np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order))[0] for order in "<>")
        fields = next((fields.copy() for fields in readings if _is_plausible(fields)), None)
        if fields is None:
            raise FileFormatError(
                f"{path}: an MRC header must start with three sizes and a mode, in either byte "
                f"order, and this one does not. Check that it is an MRC file"
            )
        header = MrcHeader(fields, file.read(int(fields["nsymbt"])))
    _check_content(path, header)
    _check_size(path, header)
    return header


def header_to_write(volume: Volume, dtype: np.dtype[Any], content: Content) -> MrcHeader:
    """The header of the file that a volume came from where it has one, with all that differs set.

    Args:
        volume: What is to be written.
        dtype: The type that it is stored as.
        content: Whether the voxels are measured, or are classes.

    Returns:
        A header of its own, without statistics.
    """
    known = volume.header
    header = (
        MrcHeader(known.fields.copy(), known.extension)
        if isinstance(known, MrcHeader)
        else _new_header()
    )
    fields = header.fields
    sizes = (1, *volume.spatial_shape)
    for name, stored_axis in (("nz", 1), ("ny", 2), ("nx", 3)):
        fields[name] = sizes[header.axis_order.index(stored_axis)]
    fields["mode"] = _MODE_OF[f"{dtype.kind}{dtype.itemsize}"]
    fields["dmin"] = fields["dmax"] = 0
    header.set_imod_byte_flags(signed=dtype == np.int8 and content == "image")
    _set_geometry(header, volume)
    return header


def _is_plausible(fields: np.void) -> bool:
    """Whether the first words make sense in the byte order that they were read in."""
    sizes = [int(fields[name]) for name in ("nx", "ny", "nz")]
    return (
        all(0 < size < 2**24 for size in sizes)
        and 0 <= int(fields["mode"]) < 2**8
        and 0 <= int(fields["nsymbt"]) < 2**31
    )


def _check_content(path: Path, header: MrcHeader) -> None:
    fields, mode = header.fields, int(header.fields["mode"])
    flags = header.imod_flags or 0
    refused = "4-bit pairs" if mode == 0 and flags & _PACKED_BYTES else _REFUSED_MODES.get(mode)
    if refused is not None:
        raise VolumeError(
            f"{path}: voxels must be real numbers of 8, 16 or 32 bits, and this file of MRC mode "
            f"{mode} holds {refused}. Convert it first (IMOD: newstack -mode 1)"
        )
    if mode not in _MODES:
        raise FileFormatError(
            f"{path}: the MRC mode must be one of {', '.join(map(str, _MODES))}, and {mode} came. "
            f"Check that it is an MRC file"
        )
    axes = [int(fields[name]) for name in ("mapc", "mapr", "maps")]
    if any(axes) and sorted(axes) != [1, 2, 3]:
        raise FileFormatError(
            f"{path}: MAPC, MAPR and MAPS must name the axes 1, 2 and 3 once each, and are {axes}. "
            f"Repair the header (IMOD: alterheader)"
        )
    angles = [float(fields["cellb"][name]) for name in ("alpha", "beta", "gamma")]
    if any(angles) and not np.allclose(angles, 90, atol=1e-3):
        raise VolumeError(
            f"{path}: the axes must be at right angles, and the cell's angles are {angles} "
            f"degrees. Resample the map onto a rectangular grid first"
        )
    if int(fields["ispg"]) in _STACK_OF_VOLUMES and int(fields["nz"]) > int(fields["mz"]):
        raise VolumeError(
            f"{path}: a file must hold one 3-D volume, and this is a stack of several: "
            f"{int(fields['nz'])} sections in volumes of {int(fields['mz'])}. Write one to a file"
        )


def _check_size(path: Path, header: MrcHeader) -> None:
    _, sections, rows, columns = header.stored_shape
    expected = header.data_offset + sections * rows * columns * header.voxel_type.itemsize
    missing = int(header.fields["nsymbt"]) - len(header.extension)
    found = path.stat().st_size
    if found != expected or missing:
        advice = "It is truncated: copy" if found < expected or missing else "Copy"
        raise FileFormatError(
            f"{path}: the header says {sections} x {rows} x {columns} voxels (sections, rows, "
            f"columns) of {header.voxel_type.name}, so the file must have {expected + missing} "
            f"bytes, and it has {found}. {advice} it again from where it came"
        )


def _new_header() -> MrcHeader:
    from mrcfile.dtypes import HEADER_DTYPE

    header = MrcHeader(np.zeros(1, HEADER_DTYPE.newbyteorder("<"))[0])
    fields = header.fields
    fields["mapc"], fields["mapr"], fields["maps"] = 1, 2, 3
    for angle in ("alpha", "beta", "gamma"):
        fields["cellb"][angle] = 90.0
    fields["ispg"] = 1
    fields["nversion"] = _VERSION
    fields["map"] = b"MAP "
    fields["machst"] = (0x44, 0x44, 0, 0)
    fields["nlabl"] = 1
    fields["label"][0] = b"Written by gyrovox"
    return header


def _set_geometry(header: MrcHeader, volume: Volume) -> None:
    """Voxel size and origin; what the header says already, to its own precision, is left alone."""
    fields, sizes = header.fields, volume.voxel_size_nm
    known = header.voxel_size_nm
    same = sizes == known or (sizes and known and np.allclose(sizes, known, rtol=1e-6, atol=0))
    if not same or sizes is None:
        for axis, count in enumerate(volume.spatial_shape):
            fields[("mz", "my", "mx")[axis]] = count
            cell = 0.0 if sizes is None else sizes[axis] * count / _ANGSTROM_NM
            fields["cella"]["zyx"[axis]] = cell
    if np.allclose(header.origin_nm, volume.origin_nm, rtol=1e-6, atol=1e-9):
        return
    starts = np.zeros(3) if sizes is not None else np.round(volume.origin_nm)
    for axis, start in zip(header.axis_order[1:], starts, strict=True):
        fields[("nzstart", "nystart", "nxstart")[axis - 1]] = int(start)
    for axis, position in enumerate(volume.origin_nm):
        stored = 0.0 if sizes is None else header.origin_sign * position / _ANGSTROM_NM
        fields["origin"]["zyx"[axis]] = stored
    if sizes is None and not np.allclose(starts, volume.origin_nm):
        warn_of_loss(
            f"{volume.name}: MRC keeps the origin of voxels of unknown size in whole voxels, and "
            f"{volume.origin_nm} (z, y, x) is rounded"
        )
