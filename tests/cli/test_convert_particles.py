"""`gyrovox convert-particles`."""

import numpy as np
import pytest

from gyrovox import io
from gyrovox.io.particle_files import read_particles, write_particles
from gyrovox.io.star import read_star
from gyrovox.volumes import ParticleTable, Volume

PLACES = np.array([(1.5, 2.0, 3.25), (7.0, 8.5, 4.0)])


@pytest.fixture
def star(tmp_path):
    table = ParticleTable(positions=PLACES, shape=(10, 12, 14), voxel_size_nm=1.2, tomogram="TS_1")
    return write_particles(table, tmp_path / "in.star")


def test_relion_becomes_dynamo(run, star, tmp_path):
    done = run(
        "convert-particles", star, "-o", tmp_path / "new" / "out.tbl", "--tilt-range", -57, 60
    )
    assert (done.code, done.out) == (0, "")
    assert "2 particles are in" in done.err
    rows = np.loadtxt(tmp_path / "new" / "out.tbl")
    np.testing.assert_allclose(rows[:, 23:26], PLACES[:, ::-1] + 1, atol=1e-6)
    assert rows[0, 12:15].tolist() == [1, -57, 60]


def test_relion_5_becomes_relion_4_of_a_binned_tomogram(run, star, tmp_path):
    done = run(
        "convert-particles",
        star,
        "-o",
        tmp_path / "out.star",
        "--to",
        "relion4",
        "--binning",
        4,
        "--quiet",
    )
    assert (done.code, done.err) == (0, "")
    table = read_star(tmp_path / "out.star")["particles"]
    np.testing.assert_allclose(np.array(table["rlnCoordinateX"], float), 4 * PLACES[:, 2])


def test_a_tomogram_says_the_voxels(run, star, tmp_path):
    tomogram = Volume.from_array(np.zeros((5, 6, 7), np.float32), voxel_size_nm=(2.4,) * 3)
    io.write(tomogram, tmp_path / "coarse.mrc")
    done = run(
        "convert-particles", star, "-o", tmp_path / "out.csv", "--like", tmp_path / "coarse.mrc"
    )
    assert done.code == 0
    table = read_particles(tmp_path / "out.csv")
    centred = (PLACES - np.array([10, 12, 14]) / 2) / 2
    np.testing.assert_allclose(table.positions, centred + np.array([5, 6, 7]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--like", "t.mrc", "--shape", 1, 2, 3], "--like says the shape already"),
        (["--to", "imod"], "a file of imod particles must end in .mod"),
        (["--tomogram-name", "TS_2"], "no particle is of the tomogram 'TS_2'"),
    ],
)
def test_what_cannot_be_done_is_said(run, star, words, what, tmp_path):
    done = run("convert-particles", star, "-o", tmp_path / "out.csv", *words)
    assert done.code == 1
    assert what in done.err
    assert not (tmp_path / "out.csv").exists()


def test_nothing_is_replaced_unasked(run, star, tmp_path):
    done = run("convert-particles", star, "-o", star)
    assert (done.code, "must not exist yet" in done.err) == (1, True)
    done = run("convert-particles", star, "-o", star, "--overwrite")
    assert (done.code, "would be replaced by the output" in done.err) == (1, True)


def test_voxels_that_are_no_cubes_are_refused(run, star, tmp_path):
    flat = Volume.from_array(np.zeros((5, 6, 7), np.float32), voxel_size_nm=(1.0, 1.0, 2.0))
    io.write(flat, tmp_path / "flat.mrc")
    done = run("convert-particles", star, "-o", tmp_path / "o.csv", "--like", tmp_path / "flat.mrc")
    assert (done.code, "must be cubes" in done.err) == (1, True)
