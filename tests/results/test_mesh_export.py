"""Surfaces of nodes."""

from collections import Counter

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, TreeError
from gyrovox.results import export_mesh
from gyrovox.results.mesh_export import surface
from gyrovox.volumes import InMemory


def ball(shape, middle, radius, size=(1, 1, 1)):
    """Voxels whose centres lie in a ball, `radius` and `size` in nm."""
    z, y, x = np.ogrid[tuple(map(slice, shape))]
    square = sum(((axis - c) * s) ** 2 for axis, c, s in zip((z, y, x), middle, size, strict=True))
    return square <= radius**2


def mesh(mask, affine=None, **how):
    """Vertices (x, y, z) and faces of a mask, its pieces put together."""
    source = InMemory(mask[np.newaxis].astype(np.uint8))
    pieces = list(surface(source, np.eye(4) if affine is None else affine, **how))
    count = 1 + max(int(piece.numbers.max()) for piece in pieces)
    vertices = np.full((count, 3), np.nan)
    for piece in pieces:
        known = ~np.isnan(vertices[piece.numbers]).any(axis=1)
        # What two pieces share is where both say that it is.
        np.testing.assert_array_equal(vertices[piece.numbers][known], piece.vertices[known])
        vertices[piece.numbers] = piece.vertices
    return vertices, np.concatenate([piece.numbers[piece.faces] for piece in pieces])


def signed_volume(vertices, faces):
    first, second, third = np.moveaxis(vertices[faces], 1, 0)
    return float((first * np.cross(second, third)).sum() / 6)


def check_closed(faces):
    """Every edge has exactly two triangles, which run along it in opposite directions."""
    edges = Counter((int(face[i]), int(face[(i + 1) % 3])) for face in faces for i in range(3))
    assert set(edges.values()) == {1}
    assert all((second, first) in edges for first, second in edges)


def as_set(vertices, faces):
    """Triangles as positions, whatever their order and their first corner."""
    triangles = [tuple(map(tuple, vertices[face].tolist())) for face in faces]
    return sorted(min((a, b, c), (b, c, a), (c, a, b)) for a, b, c in triangles)


@pytest.mark.parametrize("slab_bytes", [1, 3000, 2**20])
def test_a_ball_is_closed_of_the_right_volume_and_seen_from_outside(slab_bytes):
    mask = ball((30, 28, 26), (14.3, 13.0, 12.6), 11)
    vertices, faces = mesh(mask, slab_bytes=slab_bytes)
    check_closed(faces)
    assert signed_volume(vertices, faces) == pytest.approx(mask.sum(), rel=0.05)
    # One sphere: vertices − edges + faces = 2.
    assert len(vertices) - len(faces) / 2 == 2


def test_a_ball_of_anisotropic_voxels_is_in_its_place():
    size, middle, radius = np.array([4.0, 1.5, 1.25]), np.array([9.2, 22.1, 30.4]), 24.0
    mask = ball((20, 50, 60), middle, radius, size)
    affine = np.diag((*size, 1.0))
    affine[:3, 3] = (-50.0, 3.0, 1000.0)
    vertices, faces = mesh(mask, affine)
    check_closed(faces)
    volume = signed_volume(vertices, faces)
    assert volume == pytest.approx(mask.sum() * size.prod(), rel=0.05)
    assert volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.1)
    corners = vertices[faces]
    tetrahedra = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    centre = (tetrahedra[:, np.newaxis] * corners.sum(axis=1) / 4).sum(axis=0) / volume
    expected = (middle * size + affine[:3, 3])[::-1]
    assert (np.abs(centre - expected) < 0.5 * size[::-1]).all()


@pytest.mark.parametrize("flip", [(0,), (2,), (0, 1), (0, 1, 2)])
def test_surfaces_are_seen_from_outside_in_mirrored_worlds_too(flip):
    affine = np.eye(4)
    affine[flip, flip] = -2
    vertices, faces = mesh(ball((9, 9, 9), (4, 4, 4), 3), affine)
    assert signed_volume(vertices, faces) > 0


@pytest.mark.parametrize("seed", range(6))
def test_any_mask_has_a_closed_surface_whatever_the_slabs(seed):
    generator = np.random.default_rng(seed)
    mask = generator.random((9, 8, 7)) < generator.uniform(0.1, 0.9)
    mask[4] &= seed % 2 == 0  # a slab without a surface
    whole = mesh(mask)
    check_closed(whole[1])
    assert signed_volume(*whole) > 0
    for slab_bytes in (1, 2 * 56, 3 * 56):
        parts = mesh(mask, slab_bytes=slab_bytes)
        assert len(parts[0]) == len(whole[0])
        check_closed(parts[1])
        assert as_set(*parts) == as_set(*whole)


def test_a_full_volume_is_closed_at_its_faces():
    vertices, faces = mesh(np.ones((3, 4, 5), bool))
    check_closed(faces)
    # Halfway to the voxels that are not there, without the corners.
    np.testing.assert_array_equal(vertices.min(axis=0), -0.5)
    np.testing.assert_array_equal(vertices.max(axis=0), [4.5, 3.5, 2.5])
    assert 0.75 * 60 < signed_volume(vertices, faces) < 60


def test_a_voxel_is_an_octahedron():
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    vertices, faces = mesh(mask)
    assert len(faces) == 8
    assert signed_volume(vertices, faces) == pytest.approx(1 / 6)
    expected = [[1, 1, 0.5], [1, 1, 1.5], [1, 0.5, 1], [1, 1.5, 1], [0.5, 1, 1], [1.5, 1, 1]]
    assert sorted(vertices.tolist()) == sorted(expected)


def test_slabs_are_no_larger_than_they_may_be():
    read = []

    class Watched:
        shape = (1, 12, 5, 5)
        dtype = np.dtype(np.uint8)

        def read(self, region):
            read.append(region.shape[0])
            return np.ones((1, *region.shape), np.uint8)

    for _ in surface(Watched(), np.eye(4), slab_bytes=50):
        pass
    assert read == [2] * 6


@pytest.mark.parametrize("suffix", [".stl", ".obj"])
def test_a_node_is_written_in_nm_over_the_volume(suffix, result_of, tmp_path):
    size = (4.0, 1.5, 1.25)
    leaves = ball((10, 24, 28), (5, 12, 14), 14, size).astype(np.int32)
    result = result_of(leaves, voxel_size_nm=size)
    path = export_mesh(result, [1], tmp_path / f"ball{suffix}")
    if suffix == ".obj":
        text = path.read_text()
        assert text.startswith("# gyrovox surface, vertices (x, y, z) in nm\n")
        points = [line.split()[1:] for line in text.splitlines() if line.startswith("v ")]
        middle = np.array(points, float).mean(axis=0)
    else:
        raw = np.frombuffer(path.read_bytes(), np.uint8)[84:].reshape(-1, 50)
        middle = raw[:, 12:48].copy().view("<f4").reshape(-1, 3).mean(axis=0)
    origin = result.image().origin_nm
    expected = [14 * 1.25 + origin[2], 12 * 1.5 + origin[1], 5 * 4 + origin[0]]
    assert (np.abs(middle - expected) < 0.5 * np.array(size[::-1])).all()
    again = export_mesh(result, [1], path, overwrite=True)
    assert again.read_bytes() == path.read_bytes()


def test_without_a_voxel_size_a_mesh_is_in_voxels(result_of, tmp_path):
    leaves = np.zeros((3, 3, 3), np.int32)
    leaves[1, 1, 1] = 1
    text = export_mesh(result_of(leaves), [1], tmp_path / "voxel.obj").read_text()
    assert text.startswith("# gyrovox surface, vertices (x, y, z) in voxels\n")
    assert "v 1 1 0.5\n" in text


def test_what_cannot_be_exported_leaves_nothing(result, tmp_path):
    with pytest.raises(TreeError, match="one of 0 to 22, and 99 came"):
        export_mesh(result, [99], tmp_path / "mesh.stl")
    with pytest.raises(FileFormatError, match=r"\.stl or \.obj"):
        export_mesh(result, [0], tmp_path / "mesh.mrc")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
