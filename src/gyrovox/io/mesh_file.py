"""Meshes of triangles: binary STL and Wavefront OBJ, written piece by piece.

Source:
    3D Systems (1989), StereoLithography interface specification; Wavefront Technologies (1995),
    Object files, appendix B1, https://paulbourke.net/dataformats/obj/
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
from jaxtyping import Float64, Int64

from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.atomic import written_whole

SUFFIXES = (".stl", ".obj")
"""Endings of the names of meshes that are written."""

_HEADER = 80  # bytes of text before the number of triangles
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_MOST_TRIANGLES = 2**32 - 1


@final
@dataclass(frozen=True, eq=False)
class MeshPiece:
    """Some of the triangles of a mesh, and all of their corners.

    Args:
        vertices: Positions (x, y, z) of the corners, shape ``(vertices, 3)``.
        numbers: Which vertex of the whole mesh each is, from 0: in order, those that no piece
            before had; among them, those that one had. Shape ``(vertices,)``.
        faces: Corners of the triangles, as indices of `vertices`, anticlockwise seen from
            outside, shape ``(faces, 3)``.
    """

    vertices: Float64[np.ndarray, "vertices 3"]
    numbers: Int64[np.ndarray, "vertices"]
    faces: Int64[np.ndarray, "faces 3"]


def write_mesh(
    pieces: Iterable[MeshPiece],
    path: Path,
    *,
    unit: Literal["nm", "voxels"],
    overwrite: bool = False,
) -> Path:
    """Write a mesh.

    Args:
        pieces: Its pieces.
        path: The file to be, .stl or .obj.
        unit: What its coordinates count; said in the file.
        overwrite: Whether it may be there already.

    Returns:
        The path.

    Raises:
        FileFormatError: If the suffix is another one.
        VolumeError: If the mesh has no triangles, or more than the format can hold.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileFormatError(
            f"{path}: the name of a mesh must end in {' or '.join(SUFFIXES)}, and "
            f"{suffix or 'no suffix'} came. Rename it"
        )
    writers: dict[str, Callable[[Iterable[MeshPiece], Path, str], int]] = {
        ".stl": _write_stl,
        ".obj": _write_obj,
    }
    said = f"gyrovox surface, vertices (x, y, z) in {unit}"
    with written_whole(path, overwrite=overwrite, suffix=suffix) as beside:
        if writers[suffix](pieces, beside, said) == 0:
            raise VolumeError(
                f"{path}: a mesh must have triangles, and there is nothing to draw a surface of. "
                f"Choose nodes that have voxels"
            )
    return path


def _write_stl(pieces: Iterable[MeshPiece], path: Path, said: str) -> int:
    """Write binary STL.

    Raises:
        VolumeError: If there are more triangles than the format counts.
    """
    count = 0
    with path.open("wb") as file:
        file.write(said.encode().ljust(_HEADER) + bytes(4))
        for piece in pieces:
            corners = piece.vertices[piece.faces]
            normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            lengths = np.linalg.norm(normals, axis=1, keepdims=True)
            triangles = np.zeros(len(corners), _TRIANGLE)
            triangles["normal"] = normals / np.where(lengths > 0, lengths, 1)
            triangles["corners"] = corners
            file.write(triangles.tobytes())
            count += len(corners)
        if count > _MOST_TRIANGLES:
            raise VolumeError(
                f"an STL file must have at most {_MOST_TRIANGLES} triangles, and {count} came. "
                f"Write .obj, or a smaller node"
            )
        file.seek(_HEADER)
        file.write(struct.pack("<I", count))
    return count


def _write_obj(pieces: Iterable[MeshPiece], path: Path, said: str) -> int:
    """Write OBJ, whose vertices count from 1."""
    known = count = 0
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(f"# {said}\n")
        for piece in pieces:
            new = piece.vertices[piece.numbers >= known]
            named = piece.numbers[piece.faces] + 1
            # All of a piece at once: three times as fast as line by line.
            file.write("v %.9g %.9g %.9g\n" * len(new) % tuple(new.ravel().tolist()))
            file.write("f %d %d %d\n" * len(named) % tuple(named.ravel().tolist()))
            known += len(new)
            count += len(named)
    return count
