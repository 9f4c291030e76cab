"""Tables of Dynamo, read back by their column numbers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import FileFormatError, FormatLossWarning, MissingFileError, ParticleError
from gyrovox.io.dynamo_table import read_dynamo, write_dynamo
from gyrovox.io.known_tomogram import KnownTomogram

KNOWN = KnownTomogram(shape=(21, 24, 30))


@pytest.fixture
def table(particles):
    """What Dynamo has a place for."""
    return replace(particles, classes=None, diameters_nm=None, parents=None)


def test_every_column_is_where_dynamo_looks_for_it(table, tmp_path):
    path = write_dynamo(table, tmp_path / "p.tbl", tilt_range=(-57.0, 60.0))
    rows = np.loadtxt(path)
    assert rows.shape == (7, 36)

    def columns(first, last):
        return rows[:, first - 1 : last]

    assert columns(1, 1).ravel().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (columns(2, 3) == 1).all()
    assert (columns(4, 6) == 0).all()
    turned = Rotation.from_euler("zxz", columns(7, 9), degrees=True).inv().as_matrix()
    np.testing.assert_allclose(turned[:, ::-1, ::-1], table.rotations, atol=1e-7)
    np.testing.assert_allclose(columns(10, 10).ravel(), table.scores, atol=1e-6)
    assert columns(13, 15).tolist() == [[1, -57, 60]] * 7
    assert (columns(20, 20) == 1).all()
    # The centre of the first voxel is 1.
    np.testing.assert_allclose(columns(24, 26)[:, ::-1] - 1, table.positions, atol=1e-6)
    np.testing.assert_allclose(columns(36, 36), 13.0)


def test_a_round_trip_keeps_what_there_is_a_place_for(table, tmp_path):
    again = read_dynamo(write_dynamo(table, tmp_path / "p.tbl"), KNOWN)
    np.testing.assert_allclose(again.positions, table.positions, atol=1e-6)
    np.testing.assert_allclose(again.rotations, table.rotations, atol=1e-8)
    np.testing.assert_allclose(again.scores, table.scores, atol=1e-6)
    assert again.voxel_size_nm == pytest.approx(1.3)


def test_what_is_lost_is_said(particles, tmp_path):
    lost = r"names of classes, which become numbers, and diameters and parents: they are lost"
    with pytest.warns(FormatLossWarning, match=lost):
        path = write_dynamo(particles, tmp_path / "p.tbl")
    assert read_dynamo(path, KNOWN).classes == ("1", "2", "1", "1", "2", "1", "1")


def test_shifts_are_added_and_tomograms_told_apart(tmp_path):
    rows = np.zeros((2, 26))
    rows[:, 3:6] = (0.5, -1.0, 2.0)
    rows[:, 19] = (3, 4)
    rows[:, 23:26] = (11, 21, 31)
    np.savetxt(tmp_path / "p.tbl", rows)
    table = read_dynamo(
        tmp_path / "p.tbl", KnownTomogram(voxel_size_nm=2.0, shape=(50, 50, 50), name="4")
    )
    np.testing.assert_allclose(table.positions, [(32.0, 19.0, 10.5)])
    assert (table.tomogram, table.voxel_size_nm) == ("4", 2.0)


def test_an_empty_table_is_read(particles, table, tmp_path):
    none = table.chosen(np.zeros(0, np.int64))
    path = write_dynamo(none, tmp_path / "p.tbl")
    assert len(read_dynamo(path, KnownTomogram(voxel_size_nm=1.3, shape=(9, 9, 9)))) == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 2 3\n", "at least 26 columns, the last ones the place, and has 3"),
        ("1 2\n1 2 3\n", "rows of equally many numbers"),
        ("one two\n", "rows of equally many numbers"),
    ],
)
def test_what_is_no_table_is_refused(text, what, tmp_path):
    (tmp_path / "p.tbl").write_text(text, encoding="ascii")
    with pytest.raises(FileFormatError, match=what):
        read_dynamo(tmp_path / "p.tbl", KNOWN)


def test_what_a_table_does_not_say_is_asked_for(table, tmp_path):
    path = write_dynamo(table, tmp_path / "p.tbl")
    with pytest.raises(ParticleError, match="the shape of the tomogram must be known"):
        read_dynamo(path, KnownTomogram())
    with pytest.raises(MissingFileError, match=r"none.tbl: a table must be there"):
        read_dynamo(tmp_path / "none.tbl", KNOWN)
