"""Tables of particles with everything."""

import csv

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, MissingFileError, ParticleError
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.particle_csv import read_particle_csv, write_particle_csv

ANYTHING = KnownTomogram()


def test_a_round_trip_loses_nothing(particles, tmp_path):
    again = read_particle_csv(write_particle_csv(particles, tmp_path / "p.csv"), ANYTHING)
    assert (again.positions == particles.positions).all()
    assert (again.scores == particles.scores).all()
    assert (again.diameters_nm == particles.diameters_nm).all()
    np.testing.assert_allclose(again.rotations, particles.rotations, atol=1e-12)
    assert again.classes == particles.classes
    assert again.parents.tolist() == particles.parents.tolist()
    assert (again.shape, again.voxel_size_nm, again.tomogram) == ((21, 24, 30), 1.3, "TS_01")


def test_the_header_says_what_is_what(particles, tmp_path):
    path = write_particle_csv(particles, tmp_path / "p.csv")
    with path.open(encoding="utf-8", newline="") as file:
        first = next(iter(csv.DictReader(file)))
    assert float(first["z"]) == particles.positions[0, 0]
    assert float(first["x_nm"]) == pytest.approx(1.3 * particles.positions[0, 2])
    assert (first["class"], first["parent"], first["size_z"]) == ("spike", "1", "21")


def test_a_table_by_hand_needs_only_places(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("x,y,z\n1,2,3\n", encoding="utf-8")
    table = read_particle_csv(path, KnownTomogram(voxel_size_nm=1.0, shape=(9, 9, 9)))
    assert table.positions.tolist() == [[3, 2, 1]]
    assert table.rotations is table.scores is table.classes is table.parents is None
    with pytest.raises(ParticleError, match="the shape of the tomogram must be known"):
        read_particle_csv(path, ANYTHING)


def test_an_empty_table_is_read(particles, tmp_path):
    none = particles.chosen(np.zeros(0, np.int64))
    path = write_particle_csv(none, tmp_path / "p.csv")
    assert len(read_particle_csv(path, KnownTomogram(voxel_size_nm=1.0, shape=(9, 9, 9)))) == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\n1,2\n", "must have columns z, y and x, and has a, b"),
        ("", "must have columns z, y and x, and has none"),
        ("z,y,x\n1,2\n", "line 2 must have 3 texts, as the first one, and has 2"),
        ("z,y,x\n1,2,q\n", "z, y, x must be numbers: .*'q'"),
    ],
)
def test_what_is_no_table_of_particles_is_refused(text, what, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match=what):
        read_particle_csv(path, KnownTomogram(voxel_size_nm=1.0, shape=(9, 9, 9)))


def test_an_absent_file_is_said_to_be(tmp_path):
    with pytest.raises(MissingFileError, match=r"none.csv: a table must be there"):
        read_particle_csv(tmp_path / "none.csv", ANYTHING)
