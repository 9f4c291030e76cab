"""Models of IMOD, parsed by the layout that its documentation gives."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, FormatLossWarning, MissingFileError, ParticleError
from gyrovox.io.imod_model import read_imod, write_imod
from gyrovox.io.known_tomogram import KnownTomogram

ANYTHING = KnownTomogram()
BY_CLASS = [0, 2, 3, 5, 6, 1, 4]  # spikes, then virions


@pytest.fixture
def table(particles):
    """What a model has a place for."""
    return replace(particles, rotations=None, parents=None)


def parsed(data):
    """Header, objects and chunks as binspec.html lays them out: lengths in bytes, big-endian."""
    assert data[:8] == b"IMODV1.2"
    assert data[-4:] == b"IEOF"
    header = data[8:240]
    names = ("xmax", "ymax", "zmax", "objsize", "flags", "drawmode", "mousemode")
    facts = dict(zip(names, struct.unpack(">4iI2i", header[128:156]), strict=True))
    facts["scale"] = struct.unpack(">3f", header[176:188])
    facts["pixsize"], facts["units"] = struct.unpack(">fi", header[208:216])
    at, objects = 240, []
    while data[at : at + 4] != b"IEOF":
        chunk, at = data[at : at + 4], at + 4
        if chunk == b"OBJT":
            one = data[at : at + 176]
            contours, flags = struct.unpack(">iI", one[128:136])
            name = one[:64].rstrip(b"\0").decode()
            objects.append({"name": name, "contsize": contours, "flags": flags})
            at += 176
        elif chunk == b"CONT":
            count, *_ = struct.unpack(">iI2i", data[at : at + 16])
            points = struct.unpack(f">{3 * count}f", data[at + 16 : at + 16 + 12 * count])
            objects[-1]["points"] = np.array(points).reshape(count, 3)
            at += 16 + 12 * count
        else:
            (size,) = struct.unpack(">i", data[at : at + 4])
            objects[-1][chunk.decode()] = data[at + 4 : at + 4 + size]
            at += 4 + size
    assert at == len(data) - 4
    return facts, objects


def test_a_model_is_laid_out_as_documented(table, tmp_path):
    facts, objects = parsed(write_imod(table, tmp_path / "p.mod").read_bytes())
    assert (facts["xmax"], facts["ymax"], facts["zmax"]) == (30, 24, 21)
    assert facts["objsize"] == len(objects) == 2
    assert facts["flags"] & 1 << 10, "z counts from -0.5"
    assert facts["scale"] == (1, 1, 1)
    assert facts["pixsize"] == pytest.approx(1.3)
    assert facts["units"] == -9
    assert [one["name"] for one in objects] == ["spike", "virion"]
    assert all(one["flags"] & 1 << 9 and one["contsize"] == 1 for one in objects)
    points = np.concatenate([one["points"] for one in objects])
    # The centre of the first voxel is at (0.5, 0.5, 0).
    np.testing.assert_allclose(points - (0.5, 0.5, 0), table.positions[BY_CLASS, ::-1], atol=1e-5)
    radii = np.concatenate([np.frombuffer(one["SIZE"], ">f4") for one in objects])
    np.testing.assert_allclose(radii * 2 * 1.3, table.diameters_nm[BY_CLASS], rtol=1e-6)
    kind, _, index, value = struct.unpack(">2hif", objects[1]["COST"][12:])
    assert (kind, index, value) == (10, 1, pytest.approx(table.scores[4]))
    kind, _, lowest, highest = struct.unpack(">2h2f", objects[1]["OBST"])
    assert (kind, lowest, highest) == (
        11,
        pytest.approx(min(table.scores[[1, 4]])),
        pytest.approx(max(table.scores[[1, 4]])),
    )


def test_a_round_trip_keeps_all_but_the_order_of_classes(table, tmp_path):
    again = read_imod(write_imod(table, tmp_path / "p.mod"), ANYTHING)
    np.testing.assert_allclose(again.positions, table.positions[BY_CLASS], atol=1e-5)
    np.testing.assert_allclose(again.scores, table.scores[BY_CLASS], atol=1e-6)
    np.testing.assert_allclose(again.diameters_nm, table.diameters_nm[BY_CLASS], rtol=1e-6)
    assert again.classes == tuple(table.classes[row] for row in BY_CLASS)
    assert again.voxel_size_nm == pytest.approx(1.3)
    assert (again.shape, again.tomogram) == ((21, 24, 30), "TS_01")


def test_points_alone_are_enough(table, tmp_path):
    bare = replace(table, scores=None, diameters_nm=None, classes=None)
    again = read_imod(write_imod(bare, tmp_path / "p.mod"), ANYTHING)
    np.testing.assert_allclose(again.positions, table.positions, atol=1e-5)
    assert (again.scores, again.diameters_nm) == (None, None)
    none = bare.chosen(np.zeros(0, np.int64))
    assert len(read_imod(write_imod(none, tmp_path / "none.mod"), ANYTHING)) == 0


def test_contours_and_meshes_of_3dmod_are_read_past(table, tmp_path):
    path = write_imod(table, tmp_path / "p.mod")
    data = path.read_bytes()
    contour = b"CONT" + struct.pack(">iI2i3f", 1, 0, 0, 0, 5.5, 6.5, 7.0)
    mesh = b"MESH" + struct.pack(">2iI2h", 2, 3, 0, 0, 0) + bytes(24 + 12)
    material = b"IMAT" + struct.pack(">i", 16) + bytes(16)
    path.write_bytes(data[:-4] + contour + mesh + material + b"IEOF")
    again = read_imod(path, ANYTHING)
    np.testing.assert_allclose(again.positions[-1], (7.0, 6.0, 5.0))
    assert (len(again), again.classes[-1]) == (8, "virion")
    assert again.scores is None, "one point has none"


def test_what_is_lost_is_said(particles, tmp_path):
    with pytest.warns(FormatLossWarning, match="no place for rotations and parents: they are lost"):
        write_imod(particles, tmp_path / "p.mod")


def test_what_is_no_whole_model_is_refused(table, tmp_path):
    path = write_imod(table, tmp_path / "p.mod")
    data = path.read_bytes()
    path.write_bytes(b"imod 1\nmax 10 10 10\n")
    with pytest.raises(
        FileFormatError, match=r"begin with IMODV1.2, and this begins with b'imod 1"
    ):
        read_imod(path, ANYTHING)
    for length in (100, 300, 430, len(data) - 20, len(data) - 4):
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match="a model must be whole, and ends early"):
            read_imod(path, ANYTHING)
    with pytest.raises(MissingFileError, match=r"none.mod: a model must be there"):
        read_imod(tmp_path / "none.mod", ANYTHING)


def test_a_model_in_pixels_needs_a_voxel_size(table, tmp_path):
    path = write_imod(table, tmp_path / "p.mod")
    data = bytearray(path.read_bytes())
    data[8 + 212 : 8 + 216] = struct.pack(">i", 0)
    path.write_bytes(bytes(data))
    with pytest.raises(ParticleError, match="the voxel size of the tomogram must be known"):
        read_imod(path, ANYTHING)
    assert read_imod(path, KnownTomogram(voxel_size_nm=2.0)).voxel_size_nm == 2.0
