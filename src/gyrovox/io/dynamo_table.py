"""Particles as Dynamo reads them: a .tbl, a row of numbers for each.

Columns 24 to 26 are x, y, z in voxels of the tomogram, where the centre of the first voxel is 1;
4 to 6 are shifts that are added. A table has no place for names, sizes and parents.

Source:
    Dynamo, https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Table_convention and
    https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Volume_center
"""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import FileFormatError, FormatLossWarning, MissingFileError
from gyrovox.io.atomic import written_whole
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.particle_angles import dynamo_angles, dynamo_rotations
from gyrovox.volumes.particle_table import ParticleTable

_COLUMNS = 36
_FEWEST = 26
_FIRST_VOXEL = 1.0
_ANGSTROMS = 10.0  # in a nm
_TILT_ABOUT_Y = 1
# Columns as Dynamo counts them, from 1.
_TAG, _ALIGNED, _AVERAGED, _SHIFT, _ANGLE, _SCORE = 1, 2, 3, 4, 7, 10
_SAMPLING, _TILT_RANGE, _TOMOGRAM, _CLASS, _PLACE, _VOXEL = 13, 14, 20, 22, 24, 36


def write_dynamo(
    table: ParticleTable,
    path: Path,
    *,
    tilt_range: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write particles for Dynamo.

    Args:
        table: The particles.
        path: The file to be, .tbl.
        tilt_range: Smallest and largest tilt in degrees, from which Dynamo knows the missing
            wedge; None leaves it unknown.
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
    rows = np.zeros((len(table), _COLUMNS))
    rows[:, _TAG - 1] = np.arange(1, len(table) + 1)
    rows[:, _ALIGNED - 1] = rows[:, _AVERAGED - 1] = rows[:, _TOMOGRAM - 1] = 1
    if table.rotations is not None:
        rows[:, _ANGLE - 1 : _ANGLE + 2] = dynamo_angles(table.rotations)
    if table.scores is not None:
        rows[:, _SCORE - 1] = table.scores
    if tilt_range is not None:
        rows[:, _SAMPLING - 1] = _TILT_ABOUT_Y
        rows[:, _TILT_RANGE - 1 : _TILT_RANGE + 1] = tilt_range
    if table.classes is not None:
        names = sorted(set(table.classes))
        rows[:, _CLASS - 1] = [names.index(name) + 1 for name in table.classes]
    rows[:, _PLACE - 1 : _PLACE + 2] = table.positions[:, ::-1] + _FIRST_VOXEL
    rows[:, _VOXEL - 1] = table.voxel_size_nm * _ANGSTROMS
    with written_whole(path, overwrite=overwrite, suffix=".tbl") as beside:
        lines = (" ".join(_shown(value) for value in row) for row in rows.tolist())
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="ascii", newline="\n")
    return path


def read_dynamo(path: Path, known: KnownTomogram) -> ParticleTable:
    """Read particles of Dynamo.

    Args:
        path: The file, .tbl.
        known: What is known of the tomogram; a table does not say its shape. Its name is the
            number in column 20.

    Returns:
        The particles.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no table.
        ParticleError: If the tomogram's voxels are not known, or there are several tomograms.
    """
    rows = _rows(path)
    names = [f"{number:g}" for number in rows[:, _TOMOGRAM - 1]]
    name = known.chosen(path, names)
    rows = rows[[other == name for other in names]]
    stated = rows[0, _VOXEL - 1] / _ANGSTROMS if rows.shape[1] >= _VOXEL and len(rows) else 0.0
    places = rows[:, _PLACE - 1 : _PLACE + 2] + rows[:, _SHIFT - 1 : _SHIFT + 2] - _FIRST_VOXEL
    return ParticleTable(
        positions=np.ascontiguousarray(places[:, ::-1]),
        shape=known.size(path),
        voxel_size_nm=known.voxel_size(path, float(stated) or None),
        tomogram=name or "1",
        rotations=dynamo_rotations(rows[:, _ANGLE - 1 : _ANGLE + 2]),
        scores=rows[:, _SCORE - 1].copy(),
        classes=tuple(f"{number:g}" for number in rows[:, _CLASS - 1]),
    )


def _rows(path: Path) -> Float64[np.ndarray, "n columns"]:
    if not path.is_file():
        raise MissingFileError(f"{path}: a table must be there, and is not. Check its name")
    try:
        text = path.read_text(encoding="ascii")
        rows = np.array([line.split() for line in text.splitlines() if line.strip()], np.float64)
    except ValueError as error:  # no text, no numbers, or rows of different lengths
        raise FileFormatError(
            f"{path}: a table of Dynamo must be rows of equally many numbers, and is not: {error}."
        ) from error
    if not len(rows):
        return np.zeros((0, _COLUMNS))
    if rows.shape[1] < _FEWEST:
        raise FileFormatError(
            f"{path}: a table of Dynamo must have at least {_FEWEST} columns, the last ones the "
            f"place, and has {rows.shape[1]}."
        )
    return rows


def _warn_of_loss(table: ParticleTable) -> None:
    lost = [
        what
        for what, column in (
            ("names of classes, which become numbers,", table.classes),
            ("diameters", table.diameters_nm),
            ("parents", table.parents),
        )
        if column is not None
    ]
    if lost:
        warnings.warn(
            f"a table of Dynamo has no place for {' and '.join(lost)}: they are lost.",
            FormatLossWarning,
            stacklevel=3,
        )


def _shown(value: float) -> str:
    """A number as short as it can be said to seven digits behind the point."""
    return f"{value:.7f}".rstrip("0").rstrip(".") if value else "0"
