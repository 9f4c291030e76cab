"""Particles as a table with everything, for spreadsheets and for the way back."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import FileFormatError, MissingFileError
from gyrovox.io.atomic import written_whole
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.particle_angles import relion_angles, relion_rotations
from gyrovox.volumes.particle_table import ParticleTable

_PLACE = ("z", "y", "x")
_ANGLES = ("rot_degrees", "tilt_degrees", "psi_degrees")
_SIZES = ("size_z", "size_y", "size_x")


def write_particle_csv(table: ParticleTable, path: Path, *, overwrite: bool = False) -> Path:
    """Write everything that is known of particles, a row each.

    ``z, y, x`` are in voxels, 0 the centre of the first one; the angles are RELION's.

    Args:
        table: The particles.
        path: The file to be, .csv.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    count = len(table)
    columns: dict[str, Sequence[object]] = {
        **dict(zip(_PLACE, table.positions.T.tolist(), strict=True)),
        **{
            f"{axis}_nm": column
            for axis, column in zip(_PLACE, table.positions_nm.T.tolist(), strict=True)
        },
    }
    if table.rotations is not None:
        columns |= dict(zip(_ANGLES, relion_angles(table.rotations).T.tolist(), strict=True))
    if table.scores is not None:
        columns["score"] = table.scores.tolist()
    if table.classes is not None:
        columns["class"] = table.classes
    if table.diameters_nm is not None:
        columns["diameter_nm"] = table.diameters_nm.tolist()
    if table.parents is not None:
        columns["parent"] = table.parents.tolist()
    columns["tomogram"] = [table.tomogram] * count
    columns["voxel_size_nm"] = [table.voxel_size_nm] * count
    columns |= {name: [size] * count for name, size in zip(_SIZES, table.shape, strict=True)}
    with (
        written_whole(path, overwrite=overwrite, suffix=".csv") as beside,
        beside.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def read_particle_csv(path: Path, known: KnownTomogram) -> ParticleTable:
    """Read particles from a table that has at least the columns ``z, y, x``.

    Args:
        path: The file, .csv.
        known: What is known of the tomogram, if the table does not say it.

    Returns:
        The particles.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no table of particles, or a text should be a number.
        ParticleError: If the tomogram's voxels are not known, or there are several tomograms.
    """
    columns = _columns(path)
    count = len(columns["z"])
    names = columns.get("tomogram", ["tomogram"] * count)
    name = known.chosen(path, names)
    rows = [row for row in range(count) if names[row] == name]
    columns = {label: [column[row] for row in rows] for label, column in columns.items()}
    size = _numbers(path, columns, ("voxel_size_nm",))
    sizes = _numbers(path, columns, _SIZES)
    angles = _numbers(path, columns, _ANGLES)
    parents = _column(path, columns, "parent")
    positions = _numbers(path, columns, _PLACE)
    return ParticleTable(
        positions=np.zeros((0, 3)) if positions is None else positions,
        shape=known.size(path, None if sizes is None or not rows else _shape(sizes)),
        voxel_size_nm=known.voxel_size(path, None if size is None or not rows else size[0, 0]),
        tomogram=name or "tomogram",
        rotations=None if angles is None else relion_rotations(angles),
        scores=_column(path, columns, "score"),
        classes=tuple(columns["class"]) if "class" in columns else None,
        diameters_nm=_column(path, columns, "diameter_nm"),
        parents=None if parents is None else parents.astype(np.int64),
    )


def _columns(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        raise MissingFileError(f"{path}: a table must be there, and is not. Check its name")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if not set(_PLACE) <= set(header):
        raise FileFormatError(
            f"{path}: a table of particles must have columns z, y and x, and has "
            f"{', '.join(header) or 'none'}."
        )
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise FileFormatError(
                f"{path}: line {number} must have {len(header)} texts, as the first one, and has "
                f"{len(row)}."
            )
    return {name: [row[index] for row in rows] for index, name in enumerate(header)}


def _shape(sizes: Float64[np.ndarray, "n 3"]) -> tuple[int, int, int]:
    z, y, x = (int(size) for size in sizes[0])
    return z, y, x


def _column(path: Path, columns: dict[str, list[str]], name: str) -> np.ndarray | None:
    found = _numbers(path, columns, (name,))
    return None if found is None else found[:, 0]


def _numbers(
    path: Path, columns: dict[str, list[str]], names: Sequence[str]
) -> Float64[np.ndarray, "n names"] | None:
    """The numbers of some columns; None where one is missing.

    Raises:
        FileFormatError: If a text is none.
    """
    if not set(names) <= set(columns):
        return None
    try:
        return np.stack([np.array(columns[name], np.float64) for name in names], axis=1)
    except ValueError as error:
        raise FileFormatError(
            f"{path}: {', '.join(names)} must be numbers: {error}. Mend the file."
        ) from error
