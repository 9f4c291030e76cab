"""Meshes as STL and OBJ."""

import struct

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, MissingFileError, OutputExistsError, VolumeError
from gyrovox.io.mesh_file import MeshPiece, write_mesh

# A tetrahedron in two pieces that share three of its vertices.
CORNERS = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4.5]])
FACES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]


def pieces():
    first = MeshPiece(CORNERS[:3], np.arange(3), np.array([[0, 2, 1]]))
    order = np.array([1, 3, 0, 2])
    faces = np.array([[2, 0, 1], [0, 3, 1], [3, 2, 1]])
    return [first, MeshPiece(CORNERS[order], order, faces)]


def read_stl(path):
    """Normals (n, 3) and corners (n, 3, 3), by the words of the format."""
    raw = path.read_bytes()
    (count,) = struct.unpack_from("<I", raw, 80)
    assert len(raw) == 84 + 50 * count
    rows = [struct.unpack_from("<12fH", raw, 84 + 50 * i) for i in range(count)]
    assert all(row[12] == 0 for row in rows)
    numbers = np.array([row[:12] for row in rows]).reshape(count, 4, 3)
    return numbers[:, 0], numbers[:, 1:]


def test_stl_holds_the_corners_of_every_triangle(tmp_path):
    path = write_mesh(pieces(), tmp_path / "mesh.stl", unit="nm")
    normals, corners = read_stl(path)
    np.testing.assert_allclose(corners, CORNERS[np.array(FACES)])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(normals[0], [0, 0, -1])
    middle = CORNERS.mean(axis=0)
    assert ((corners.mean(axis=1) - middle) * normals).sum(axis=1).min() > 0
    # Readers take "solid" for the format as text.
    assert path.read_bytes()[:80].decode().rstrip() == "gyrovox surface, vertices (x, y, z) in nm"


def test_obj_keeps_what_triangles_share(tmp_path):
    path = write_mesh(pieces(), tmp_path / "mesh.OBJ", unit="voxels")
    assert path.read_text() == (
        "# gyrovox surface, vertices (x, y, z) in voxels\n"
        "v 0 0 0\nv 2 0 0\nv 0 3 0\n"
        "f 1 3 2\n"
        "v 0 0 4.5\n"
        "f 1 2 4\nf 2 3 4\nf 3 1 4\n"
    )


@pytest.mark.parametrize("suffix", [".stl", ".obj"])
def test_a_mesh_is_the_same_to_the_byte_every_time(suffix, tmp_path):
    files = [write_mesh(pieces(), tmp_path / f"{name}{suffix}", unit="nm") for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_triangle_without_an_area_has_no_normal(tmp_path):
    line = MeshPiece(np.zeros((3, 3)), np.arange(3), np.array([[0, 1, 2]]))
    normals, _ = read_stl(write_mesh([line], tmp_path / "mesh.stl", unit="nm"))
    np.testing.assert_array_equal(normals, 0)


@pytest.mark.parametrize("suffix", [".stl", ".obj"])
def test_a_mesh_without_triangles_is_refused_and_leaves_nothing(suffix, tmp_path):
    with pytest.raises(VolumeError, match=r"must have triangles.* Choose nodes that have voxels"):
        write_mesh([], tmp_path / f"mesh{suffix}", unit="nm")
    assert list(tmp_path.iterdir()) == []


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"end in \.stl or \.obj, and \.ply came"):
        write_mesh(pieces(), tmp_path / "mesh.ply", unit="nm")
    with pytest.raises(FileFormatError, match="and no suffix came"):
        write_mesh(pieces(), tmp_path / "mesh", unit="nm")


def test_what_is_there_stays(tmp_path):
    path = write_mesh(pieces(), tmp_path / "mesh.stl", unit="nm")
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        write_mesh(pieces()[:1], path, unit="nm")
    assert len(read_stl(path)[0]) == 4
    write_mesh(pieces()[:1], path, unit="nm", overwrite=True)
    assert len(read_stl(path)[0]) == 1
    with pytest.raises(MissingFileError, match="folder of an output must exist"):
        write_mesh(pieces(), tmp_path / "gone" / "mesh.stl", unit="nm")
