"""IMOD's texts about a stack: tilts (.tlt, .rawtlt), and transforms that align it (.xf).

A line of an .xf file, ``A11 A12 A21 A22 DX DY``, takes a place (x, y) of an image to its place in
the aligned image. Both count from the middle of their image, which is (n - 1) / 2 where the first
pixel's centre is 0.

Source:
    https://bio3d.colorado.edu/imod/doc/man/newstack.html,
    https://bio3d.colorado.edu/imod/doc/man/xfproduct.html
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import FileFormatError
from gyrovox.io.atomic import written_whole

_NUMBERS_OF_A_TRANSFORM = 6


def read_tilts(path: Path) -> Float64[np.ndarray, " tilts"]:
    """Tilts of a stack, one a line.

    Args:
        path: A .tlt or .rawtlt file.

    Returns:
        Degrees, shape (tilts,).

    Raises:
        FileFormatError: If a line is not one number, or there is none.
    """
    return _table(path, 1)[:, 0]


def write_tilts(
    tilt_degrees: Float64[np.ndarray, " tilts"], path: Path, *, overwrite: bool = False
) -> None:
    """Write tilts of a stack, one a line.

    Args:
        tilt_degrees: Shape (tilts,).
        path: The file to be, .tlt or .rawtlt.
        overwrite: Whether it may be there already.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    _write([f"{tilt:10.4f}" for tilt in tilt_degrees], path, overwrite=overwrite)


def read_transforms(path: Path) -> Float64[np.ndarray, "tilts 6"]:
    """Transforms of a stack.

    Args:
        path: An .xf file.

    Returns:
        A11 A12 A21 A22 DX DY of every image, shape (tilts, 6).

    Raises:
        FileFormatError: If a line is not six numbers, or there is none.
    """
    return _table(path, _NUMBERS_OF_A_TRANSFORM)


def write_transforms(
    transforms: Float64[np.ndarray, "tilts 6"], path: Path, *, overwrite: bool = False
) -> None:
    """Write transforms of a stack.

    Args:
        transforms: A11 A12 A21 A22 DX DY of every image, shape (tilts, 6).
        path: The file to be, .xf.
        overwrite: Whether it may be there already.

    Raises:
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    lines = [
        "".join(f"{value:12.7f}" for value in row[:4]) + "".join(f"{v:12.4f}" for v in row[4:])
        for row in transforms
    ]
    _write(lines, path, overwrite=overwrite)


def _table(path: Path, columns: int) -> Float64[np.ndarray, "rows columns"]:
    rows: list[list[float]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.strip():
                rows.append([float(word) for word in line.split()])
    except ValueError as error:  # UnicodeDecodeError is one
        raise FileFormatError(f"{path}: every line must be of numbers, and one is not.") from error
    lengths = {len(row) for row in rows}
    if lengths != {columns}:
        raise FileFormatError(
            f"{path}: every line must have {columns} numbers, and lines have "
            f"{sorted(lengths) or 'none at all'}."
        )
    return np.array(rows, np.float64)


def _write(lines: list[str], path: Path, *, overwrite: bool) -> None:
    with written_whole(path, overwrite=overwrite, suffix=path.suffix) as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
