"""`gyrovox phantom tomogram`."""

import mrcfile
import numpy as np
import pytest

from gyrovox import io
from gyrovox.cli import main
from gyrovox.io.particle_files import read_particles
from gyrovox.settings.simulation import ImagingRecipe, SpecimenRecipe
from gyrovox.tomography.simulation import simulated_tomogram
from gyrovox.tomography.tilt_series_files import read_alignment, read_tilt_series

TINY = {
    "shape": (18, 24, 26),
    "voxel_size_nm": 8.0,
    "virions": 1,
    "virion_diameter_nm": (80.0, 84.0),
    "spikes_per_virion": 6.0,
    "vesicles": 1,
    "vesicle_diameter_nm": (40.0, 50.0),
    "crowding": 0.02,
}
TILTS = {"tilt_step_degrees": 30.0, "dose": 60.0}


def words(settings):
    for name, value in settings.items():
        yield f"--{name.replace('_', '-')}"
        yield from map(str, value if isinstance(value, tuple) else (value,))


SMALL = (*words(TINY), *words(TILTS), "--quiet")


@pytest.fixture(scope="module")
def expected():
    return simulated_tomogram(4, SpecimenRecipe(**TINY), ImagingRecipe(**TILTS))


def names(number):
    return [
        f"density-{number}.mrc",
        f"particles-{number}.csv",
        f"particles-{number}.star",
        f"tilt-series-{number}.mrc",
        f"tilt-series-{number}.mrc.mdoc",
        f"tilt-series-{number}.rawtlt",
        f"tomogram-{number}.mrc",
        f"true-alignment-{number}.tlt",
        f"true-alignment-{number}.xf",
        *(f"truth-{number}-level-{level}.mrc" for level in (1, 2, 3)),
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder that the command wrote, which was absent before."""
    folder = tmp_path_factory.mktemp("phantoms") / "new"
    with pytest.raises(SystemExit) as leave:
        main(["phantom", "tomogram", "-o", str(folder), "--seed", "4", "--reconstruct", *SMALL])
    assert leave.value.code == 0
    return folder


def test_every_file_is_there_and_valid(written, capsys):
    assert sorted(path.name for path in written.iterdir()) == names("000")
    for path in written.glob("*.mrc"):
        assert mrcfile.validate(path), capsys.readouterr().out


def test_the_tilt_series_is_that_of_the_library(written, expected):
    series = read_tilt_series(written / "tilt-series-000.mrc")
    np.testing.assert_array_equal(series.images, expected.series.images)
    np.testing.assert_allclose(series.geometry.tilt_degrees, [-60, -30, 0, 30, 60])
    np.testing.assert_allclose(series.geometry.axis_degrees, 3.0, atol=1e-4)
    height, width = series.images.shape[1:]
    true = read_alignment(
        written / "true-alignment-000.xf", expected.geometry.tilt_degrees, (height, width)
    )
    np.testing.assert_allclose(true.shifts, expected.geometry.shifts, atol=1e-3)


def test_volumes_are_those_of_the_library(written, expected):
    specimen = expected.specimen
    for name, voxels in {
        "density-000": specimen.density,
        "tomogram-000": expected.tomogram,
        **{f"truth-000-level-{n}": truth for n, truth in enumerate(specimen.truths, 1)},
    }.items():
        volume = io.read(written / f"{name}.mrc")
        np.testing.assert_array_equal(volume.read()[0], voxels)
        assert volume.voxel_size_nm == pytest.approx((8.0, 8.0, 8.0))


@pytest.mark.parametrize("suffix", [".star", ".csv"])
def test_particles_are_those_of_the_specimen(written, expected, suffix):
    found, table = read_particles(written / f"particles-000{suffix}"), expected.specimen.particles
    np.testing.assert_allclose(found.positions, table.positions, atol=1e-3)
    np.testing.assert_allclose(found.rotations, table.rotations, atol=1e-4)
    assert found.classes == table.classes
    np.testing.assert_array_equal(found.parents, table.parents)
    assert found.tomogram == "tomogram-000"


def test_the_same_seed_writes_the_same_bytes(run, tmp_path, written):
    done = run("phantom", "tomogram", "-o", tmp_path, "--seed", "4", "--reconstruct", *SMALL)
    assert (done.code, done.err) == (0, "")
    for name in names("000"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes(), name


def test_numbers_count_seeds(run, tmp_path, written):
    """Number 001 of seed 3 is number 000 of seed 4."""
    words = ("-o", tmp_path, "--seed", "3", "--count", "2", *SMALL)
    assert run("phantom", "tomogram", *words).code == 0
    for name in ("tilt-series-{}.mrc", "truth-{}-level-3.mrc", "true-alignment-{}.xf"):
        twins = tmp_path / name.format("001"), written / name.format("000")
        assert twins[0].read_bytes() == twins[1].read_bytes()


def test_nothing_is_replaced_unasked(run, tmp_path):
    (tmp_path / "density-000.mrc").write_text("keep")
    done = run("phantom", "tomogram", "-o", tmp_path, *SMALL)
    assert done.code == 1
    assert "density-000.mrc must not exist yet" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["density-000.mrc"]
    assert run("phantom", "tomogram", "-o", tmp_path, "--overwrite", *SMALL).code == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("--count", "0"), "--count must be between 1 and 999, got 0."),
        (("--seed", "-1"), "--seed must not be negative, got -1."),
        (("--virions", "9"), "9 virions must fit into"),
        (("--templates", "nowhere"), "must hold 6vxx_spike_5A.mrc"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(run, tmp_path, wrong, message):
    done = run("phantom", "tomogram", "-o", tmp_path / "new", *SMALL, *wrong)
    assert done.code == 1
    assert message in done.err
    assert not (tmp_path / "new").exists()
