"""Particles as IMOD reads them: a .mod, scattered points in an object for each class.

Coordinates are x, y, z in voxels of the tomogram; the centre of its first voxel is at
(0.5, 0.5, 0). Numbers are big-endian. A model has no place for rotations and parents.

Source:
    IMOD, https://bio3d.colorado.edu/imod/doc/binspec.html
"""

import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np

from gyrovox.errors import FileFormatError, FormatLossWarning, MissingFileError
from gyrovox.io.atomic import written_whole
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.volumes.particle_table import ParticleTable

_FIRST_VOXEL_ZYX = np.array([0.0, 0.5, 0.5])
_MODEL = struct.Struct(">128s 4i I 4i 6f 5i f 2i 3f")
_OBJECT = struct.Struct(">64s 64s i I 2i 3f i 8B 2i")
_CONTOUR = struct.Struct(">i I 2i")
_CHUNK = struct.Struct(">4s i")
_STORE = struct.Struct(">2h i f")
_NM = -9
# Flags of a model: z counts from -0.5, 3dmod has not written it, materials are bytes.
_MODEL_FLAGS = 1 << 10 | 1 << 11 | 1 << 13
_SCATTERED = 1 << 3 | 1 << 9  # open contours whose points are not joined
_VALUE, _VALUE_RANGE = 10, 11
_FLOAT_VALUE, _ONE_POINT = 1 << 2, 1 << 7
_FLOAT_INDEX = 1
_NOT_AN_INDEX = 1 << 4
_COLOURS = ((0.0, 1.0, 0.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_UNNAMED = "particles"


def write_imod(table: ParticleTable, path: Path, *, overwrite: bool = False) -> Path:
    """Write particles for IMOD; diameters become sizes of points, scores their values.

    Args:
        table: The particles.
        path: The file to be, .mod.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    _warn_of_loss(table)
    classes = (_UNNAMED,) * len(table) if table.classes is None else table.classes
    names = sorted(set(classes)) or [_UNNAMED]
    parts = [b"IMODV1.2", _model_header(table, len(names))]
    for index, name in enumerate(names):
        rows = np.array([row for row, other in enumerate(classes) if other == name], np.int64)
        parts.append(_object(table.chosen(rows), name, _COLOURS[index % len(_COLOURS)]))
    parts.append(b"IEOF")
    with written_whole(path, overwrite=overwrite, suffix=".mod") as beside:
        beside.write_bytes(b"".join(parts))
    return path


def read_imod(path: Path, known: KnownTomogram) -> ParticleTable:
    """Read the points of a model, object by object.

    Args:
        path: The file, .mod.
        known: What is known of the tomogram, if the model does not say it.

    Returns:
        The particles; their classes are the names of the objects.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no binary model, or a damaged one.
        ParticleError: If the tomogram's voxels are not known.
    """
    if not path.is_file():
        raise MissingFileError(f"{path}: a model must be there, and is not. Check its name")
    try:
        model = _parsed(path, path.read_bytes())
    except struct.error as error:
        raise FileFormatError(f"{path}: a model must be whole, and ends early: {error}.") from error
    voxel = known.voxel_size(path, model.voxel_size_nm)
    points = np.array(model.points, np.float64).reshape(-1, 3)
    sizes = np.array(model.sizes, np.float64)
    sized = len(sizes) > 0 and np.isfinite(sizes).all()
    scores = np.array(model.values, np.float64)
    scored = len(scores) > 0 and np.isfinite(scores).all()
    return ParticleTable(
        positions=np.ascontiguousarray(points[:, ::-1]) - _FIRST_VOXEL_ZYX,
        shape=known.size(path, model.shape),
        voxel_size_nm=voxel,
        tomogram=known.name or model.name or "tomogram",
        scores=scores if scored else None,
        classes=tuple(model.classes),
        diameters_nm=sizes * 2 * voxel if sized else None,
    )


@final
@dataclass(frozen=True)
class _Model:
    """What has been read of a model so far."""

    name: str
    shape: tuple[int, int, int] | None
    voxel_size_nm: float | None
    points: list[tuple[float, float, float]] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)


def _model_header(table: ParticleTable, objects: int) -> bytes:
    depth, height, width = table.shape
    return _MODEL.pack(
        table.tomogram.encode()[:127],
        *(width, height, depth, objects),
        _MODEL_FLAGS,
        *(1, 1, 0, 255),  # drawn, being edited, contrast
        *(0.0, 0.0, 0.0, 1.0, 1.0, 1.0),  # offsets, scales
        *(0, 0, 0, 3, 128),  # the current point, resolution, threshold
        table.voxel_size_nm,
        *(_NM, 0),
        *(0.0, 0.0, 0.0),
    )


def _object(table: ParticleTable, name: str, colour: tuple[float, float, float]) -> bytes:
    """An object with one contour that holds the points of all these particles."""
    header = _OBJECT.pack(
        name.encode()[:63],
        bytes(64),
        *(1, _SCATTERED, 0, 0),
        *colour,
        5,  # radius of points without a size
        *(0, 3, 1, 1, 0, 0, 0, 0),  # a circle of radius 3 in slices
        *(0, 0),
    )
    places = table.positions + _FIRST_VOXEL_ZYX
    parts = [b"OBJT", header, b"CONT", _CONTOUR.pack(len(table), 0, 0, 0)]
    parts.append(places[:, ::-1].astype(">f4").tobytes())
    if table.diameters_nm is not None:
        radii = table.diameters_nm / 2 / table.voxel_size_nm
        parts.append(_chunk(b"SIZE", radii.astype(">f4").tobytes()))
    if table.scores is not None and len(table):
        flags = _FLOAT_VALUE | _ONE_POINT
        values = [
            _STORE.pack(_VALUE, flags, index, score)
            for index, score in enumerate(table.scores.tolist())
        ]
        parts.append(_chunk(b"COST", b"".join(values)))
        # The range that colours are spread over.
        lowest, highest = float(table.scores.min()), float(table.scores.max())
        flags = _FLOAT_INDEX | _FLOAT_VALUE | _NOT_AN_INDEX
        bounds = struct.pack(">2h 2f", _VALUE_RANGE, flags, lowest, highest)
        parts.append(_chunk(b"OBST", bounds))
    return b"".join(parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return _CHUNK.pack(name, len(data)) + data


def _parsed(path: Path, data: bytes) -> _Model:
    """The points of a model.

    Raises:
        FileFormatError: If it is no binary model.
    """
    if data[:8] != b"IMODV1.2":
        raise FileFormatError(
            f"{path}: a model must be binary and begin with IMODV1.2, and this begins with "
            f"{data[:8]!r}. Save it as such with 3dmod or imodtrans."
        )
    header = _MODEL.unpack_from(data, 8)
    width, height, depth = header[1:4]
    pixel, units = header[21:23]
    model = _Model(
        name=_text(header[0]),
        shape=(depth, height, width) if min(width, height, depth) > 0 else None,
        voxel_size_nm=pixel * 10.0 ** (units + 9) if units < 0 and pixel > 0 else None,
    )
    at, name, first = 8 + _MODEL.size, "", 0
    while (chunk := data[at : at + 4]) != b"IEOF":
        at += 4
        if chunk == b"OBJT":
            name = _text(_OBJECT.unpack_from(data, at)[0])
            at += _OBJECT.size
        elif chunk == b"CONT":
            first = len(model.points)
            at = _take_contour(data, at, model, name)
        elif chunk == b"MESH":
            vertices, indices = struct.unpack_from(">2i", data, at)
            at += 16 + 12 * vertices + 4 * indices
        else:
            (size,) = struct.unpack_from(">i", data, at)
            at += 4
            _take_chunk(chunk, data[at : at + size], model, first)
            at += size
    return model


def _take_contour(data: bytes, at: int, model: _Model, name: str) -> int:
    """Read a contour, and say where the next chunk begins."""
    count = int(_CONTOUR.unpack_from(data, at)[0])
    at += _CONTOUR.size
    points = np.frombuffer(data, ">f4", 3 * count, at).reshape(-1, 3)
    model.points.extend((float(x), float(y), float(z)) for x, y, z in points)
    model.sizes.extend([np.nan] * count)
    model.values.extend([np.nan] * count)
    model.classes.extend([name or _UNNAMED] * count)
    return at + 12 * count


def _take_chunk(chunk: bytes, data: bytes, model: _Model, first: int) -> None:
    """Read the sizes or values of the last contour's points; what else there is, is skipped."""
    if chunk == b"SIZE":
        sizes = np.frombuffer(data, ">f4").astype(float).tolist()
        model.sizes[first : first + len(sizes)] = sizes
    if chunk == b"COST":
        for kind, flags, index, value in _STORE.iter_unpack(data):
            if kind == _VALUE and flags & _FLOAT_VALUE and first + index < len(model.values):
                model.values[first + index] = value


def _text(field_bytes: bytes) -> str:
    return field_bytes.split(b"\0")[0].decode("utf-8", errors="replace").strip()


def _warn_of_loss(table: ParticleTable) -> None:
    lost = [
        what
        for what, column in (("rotations", table.rotations), ("parents", table.parents))
        if column is not None
    ]
    if lost:
        warnings.warn(
            f"a model of IMOD has no place for {' and '.join(lost)}: they are lost.",
            FormatLossWarning,
            stacklevel=3,
        )
