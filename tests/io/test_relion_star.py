"""Particles of RELION, beside what its source makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import FileFormatError, ParticleError, SettingsError
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.relion_star import read_relion, write_relion
from gyrovox.io.star import read_star, write_star_blocks
from gyrovox.settings.simulation import Optics

ANYTHING = KnownTomogram()


def column(block, *labels):
    return np.array([block[label] for label in labels], np.float64).T


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("binning", [1.0, 4.0])
def test_a_round_trip_loses_nothing(version, binning, particles, tmp_path):
    path = write_relion(particles, tmp_path / "p.star", version=version, binning=binning)
    again = read_relion(path, ANYTHING)
    np.testing.assert_allclose(again.positions, particles.positions, atol=1e-6)
    np.testing.assert_allclose(again.rotations, particles.rotations, atol=1e-7)
    np.testing.assert_allclose(again.scores, particles.scores, atol=1e-6)
    np.testing.assert_allclose(again.diameters_nm, particles.diameters_nm, atol=1e-6)
    assert again.classes == particles.classes
    assert again.parents.tolist() == particles.parents.tolist()
    assert (again.shape, again.voxel_size_nm, again.tomogram) == ((21, 24, 30), 1.3, "TS_01")


def test_relion_4_counts_pixels_of_the_unbinned_tilt_series(particles, tmp_path):
    path = write_relion(particles, tmp_path / "p.star", version=4, binning=2.0)
    blocks = read_star(path)
    assert float(blocks["optics"]["rlnTomoTiltSeriesPixelSize"][0]) == pytest.approx(6.5)
    xyz = column(blocks["particles"], "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
    np.testing.assert_allclose(xyz[:, ::-1], 2 * particles.positions, atol=1e-6)
    assert "rlnCenteredCoordinateXAngst" not in blocks["particles"]


@pytest.mark.parametrize("binning", [1.0, 4.0])
def test_relion_5_counts_angstroms_from_half_the_size(binning, particles, tmp_path):
    path = write_relion(particles, tmp_path / "p.star", version=5, binning=binning)
    labels = [f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"]
    xyz = column(read_star(path)["particles"], *labels)
    # As ParticleSet does: over the pixel size, plus half the unbinned size, are unbinned pixels.
    pixels = xyz / (13 / binning) + np.array([30, 24, 21]) * binning / 2
    np.testing.assert_allclose(pixels[:, ::-1], particles.positions * binning, atol=1e-6)


def test_a_point_of_the_reference_lands_where_relion_puts_it(particles, tmp_path):
    path = write_relion(particles, tmp_path / "p.star", version=4)
    block = read_star(path)["particles"]
    angles = column(block, "rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
    xyz = column(block, "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
    point = np.array([1.0, -2.0, 3.0])
    theirs = Rotation.from_euler("ZYZ", angles, degrees=True).inv().apply(point) + xyz
    ours = particles.positions + particles.rotations @ point[::-1]
    np.testing.assert_allclose(theirs[:, ::-1], ours, atol=1e-5)


def test_the_starfile_package_reads_the_same_particles(particles, tmp_path):
    starfile = pytest.importorskip("starfile", reason="needs starfile, which dev installs")
    path = write_relion(particles, tmp_path / "p.star", version=5)
    tables = starfile.read(path, always_dict=True)
    assert set(tables) == {"optics", "particles", "gyrovox"}
    table = tables["particles"]
    assert len(table) == len(particles)
    labels = [f"rlnCenteredCoordinate{axis}Angst" for axis in "ZYX"]
    expected = (particles.positions - np.array(particles.shape) / 2) * 13
    np.testing.assert_allclose(table[labels].to_numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(table["rlnAutopickFigureOfMerit"], particles.scores, atol=1e-6)
    assert table["gyrovoxClassName"].tolist() == list(particles.classes)
    assert table["rlnClassNumber"].tolist() == [1, 2, 1, 1, 2, 1, 1]
    assert tables["optics"]["rlnTomoTiltSeriesPixelSize"].tolist() == [13.0]


def test_optics_and_more_columns_are_written(particles, tmp_path):
    optics = Optics(voltage_kv=200.0, spherical_aberration_mm=1.4, amplitude_contrast=0.1)
    halves = {"rlnRandomSubset": ["1", "2"] * 3 + ["1"]}
    path = write_relion(
        particles, tmp_path / "p.star", version=5, optics=optics, more_columns=halves
    )
    blocks = read_star(path)
    written = {
        label: float(values[0])
        for label, values in blocks["optics"].items()
        if label != "rlnOpticsGroupName"
    }
    assert written == {
        "rlnOpticsGroup": 1.0,
        "rlnVoltage": 200.0,
        "rlnSphericalAberration": 1.4,
        "rlnAmplitudeContrast": 0.1,
        "rlnTomoTiltSeriesPixelSize": 13.0,
    }
    assert blocks["particles"]["rlnRandomSubset"] == halves["rlnRandomSubset"]


def refined(tmp_path, **more):
    """What RELION leaves: no block of ours, shifts, and two rotations."""
    particles = {
        "rlnTomoName": ["a", "b"],
        "rlnCoordinateX": ["100", "200"],
        "rlnCoordinateY": ["60", "80"],
        "rlnCoordinateZ": ["40", "20"],
        "rlnOriginXAngst": ["6.5", "0"],
        "rlnOriginYAngst": ["0", "0"],
        "rlnOriginZAngst": ["-13", "0"],
        **more,
    }
    optics = {"rlnOpticsGroup": ["1"], "rlnTomoTiltSeriesPixelSize": ["6.5"]}
    blocks = {"optics": optics, "particles": particles}
    return write_star_blocks(tmp_path / "refined.star", blocks)


def test_shifts_are_subtracted_and_pixels_become_voxels(tmp_path):
    known = KnownTomogram(voxel_size_nm=1.3, shape=(50, 60, 70), name="a")
    table = read_relion(refined(tmp_path), known)
    np.testing.assert_allclose(table.positions, [(21.0, 30.0, 49.5)])
    assert (len(table), table.tomogram, table.rotations) == (1, "a", None)


def test_shifts_and_angles_are_told_in_the_subtomogram(tmp_path):
    turns = {
        "rlnTomoSubtomogramRot": ["0", "0"],
        "rlnTomoSubtomogramTilt": ["90", "0"],
        "rlnTomoSubtomogramPsi": ["0", "0"],
        "rlnAngleRot": ["10", "0"],
        "rlnAngleTilt": ["20", "0"],
        "rlnAnglePsi": ["30", "0"],
    }
    known = KnownTomogram(voxel_size_nm=0.65, shape=(50, 60, 70), name="a")
    table = read_relion(refined(tmp_path, **turns), known)
    outer = Rotation.from_euler("ZYZ", (0, 90, 0), degrees=True).inv()
    inner = Rotation.from_euler("ZYZ", (10, 20, 30), degrees=True).inv()
    np.testing.assert_allclose(
        table.rotations[0, ::-1, ::-1], (outer * inner).as_matrix(), atol=1e-9
    )
    expected = np.array([100, 60, 40]) - outer.apply([6.5, 0, -13]) / 6.5
    np.testing.assert_allclose(table.positions[0, ::-1], expected)


def test_other_voxels_are_counted_if_asked_for(particles, tmp_path):
    path = write_relion(particles, tmp_path / "p.star", version=5)
    coarse = read_relion(path, KnownTomogram(voxel_size_nm=2.6, shape=(10, 12, 15)))
    centred = (particles.positions - np.array([21, 24, 30]) / 2) / 2
    np.testing.assert_allclose(coarse.positions - np.array([10, 12, 15]) / 2, centred, atol=1e-6)
    with pytest.raises(ParticleError, match="the shape of the tomogram must be known"):
        read_relion(path, KnownTomogram(voxel_size_nm=2.6))


def test_an_empty_table_keeps_its_tomogram(particles, tmp_path):
    none = replace(particles.chosen(np.zeros(0, np.int64)), tomogram="TS_09")
    again = read_relion(write_relion(none, tmp_path / "p.star", version=5), ANYTHING)
    assert (len(again), again.tomogram, again.shape) == (0, "TS_09", (21, 24, 30))


def test_what_is_missing_or_no_number_is_said(particles, tmp_path):
    path = tmp_path / "p.star"
    write_star_blocks(path, {"particles": {"rlnTomoName": ["a"]}})
    with pytest.raises(
        FileFormatError, match=r"must have rlnCoordinateX, Y and Z or .* has rlnTomoName"
    ):
        read_relion(path, ANYTHING)
    places = {f"rlnCoordinate{axis}": ["1"] for axis in "XYZ"}
    write_star_blocks(path, {"particles": places}, overwrite=True)
    with pytest.raises(ParticleError, match="need the pixel size of the tilt series"):
        read_relion(path, KnownTomogram(voxel_size_nm=1.0, shape=(9, 9, 9)))
    places["rlnCoordinateY"] = ["here"]
    optics = {"rlnTomoTiltSeriesPixelSize": ["10"]}
    write_star_blocks(path, {"optics": optics, "particles": places}, overwrite=True)
    with pytest.raises(
        FileFormatError, match=r"rlnCoordinateY, rlnCoordinateZ must be numbers: .*'here'"
    ):
        read_relion(path, KnownTomogram(shape=(9, 9, 9)))
    with pytest.raises(
        SettingsError, match="gyrovoxClassName: a text of a STAR file must be one word"
    ):
        write_relion(replace(particles, classes=("a b",) * 7), path, version=5, overwrite=True)
