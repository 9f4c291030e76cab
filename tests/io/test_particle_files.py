"""One way in and out for all files of particles, and what lies at the places that they say."""

import warnings

import numpy as np
import pytest

from gyrovox.errors import FileFormatError, FormatLossWarning, OutputExistsError, SettingsError
from gyrovox.io.particle_files import DIALECTS, SUFFIXES, read_particles, write_particles
from gyrovox.particles.subvolumes import extract_subvolumes
from gyrovox.volumes import ParticleTable, Volume

SUFFIX_OF = {
    "relion4": ".star",
    "relion5": ".star",
    "dynamo": ".tbl",
    "imod": ".mod",
    "csv": ".csv",
}
SHAPE = (26, 39, 46)
CENTRES = np.array([(9.25, 10.5, 8.0), (16.0, 29.3, 21.75), (12.6, 9.1, 36.4)])


def test_every_dialect_has_a_suffix():
    assert set(SUFFIX_OF) == set(DIALECTS)
    assert set(SUFFIXES) == set(SUFFIX_OF.values())


@pytest.fixture(scope="module")
def blobs():
    """A tomogram with dark Gaussian balls whose centres lie between voxels."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    tomogram = np.zeros(SHAPE)
    for centre in CENTRES:
        distance = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
        tomogram -= np.exp(-distance / (2 * 1.5**2))
    return Volume.from_array(tomogram.astype(np.float32), voxel_size_nm=(1.3,) * 3)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("binning", [1.0, 2.0])
def test_what_is_cut_out_at_the_places_of_a_file_is_centred(dialect, binning, blobs, tmp_path):
    table = ParticleTable(positions=CENTRES, shape=SHAPE, voxel_size_nm=1.3)
    path = tmp_path / f"p{SUFFIX_OF[dialect]}"
    write_particles(table, path, dialect=dialect, binning=binning)
    again = read_particles(path, shape=SHAPE)
    cut = extract_subvolumes(blobs, again, box=12, orientation="tomogram", normalise=False)
    assert len(cut.rows) == 3
    axis = np.arange(12) - 6
    for box in cut.boxes:
        middle = [np.tensordot(box, axis, ((along,), (0,))).sum() / box.sum() for along in range(3)]
        np.testing.assert_allclose(middle, 0, atol=0.01)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_places_are_kept_by_every_dialect(dialect, particles, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatLossWarning)
        path = write_particles(particles, tmp_path / f"p{SUFFIX_OF[dialect]}", dialect=dialect)
    again = read_particles(path, shape=particles.shape)
    np.testing.assert_allclose(
        np.sort(again.positions, axis=0), np.sort(particles.positions, axis=0), atol=1e-5
    )


def test_a_star_is_of_relion_5_if_nothing_is_said(particles, tmp_path):
    path = write_particles(particles, tmp_path / "p.STAR")
    assert "rlnCenteredCoordinateXAngst" in path.read_text(encoding="utf-8")


def test_suffixes_and_settings_are_checked(particles, tmp_path):
    with pytest.raises(
        FileFormatError, match=r"end in one of .star, .tbl, .mod, .csv, and .txt came"
    ):
        write_particles(particles, tmp_path / "p.txt")
    with pytest.raises(FileFormatError, match=r"a file of dynamo particles must end in .tbl"):
        write_particles(particles, tmp_path / "p.star", dialect="dynamo")
    with pytest.raises(FileFormatError, match="and no suffix came"):
        read_particles(tmp_path / "p")
    with pytest.raises(SettingsError, match="binning must be above 0, got 0"):
        write_particles(particles, tmp_path / "p.star", binning=0.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_that_is_there_stays(dialect, particles, tmp_path):
    path = tmp_path / f"p{SUFFIX_OF[dialect]}"
    path.write_text("precious", encoding="ascii")
    with (
        warnings.catch_warnings(action="ignore", category=FormatLossWarning),
        pytest.raises(OutputExistsError, match="must not exist yet"),
    ):
        write_particles(particles, path, dialect=dialect)
    assert path.read_text(encoding="ascii") == "precious"
