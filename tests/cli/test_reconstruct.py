"""`gyrovox reconstruct`."""

from dataclasses import replace

import mrcfile
import numpy as np
import pytest
from gaussian_blobs import Blobs, dark_series, disturbed_geometry, drawn_blobs

from gyrovox import io
from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.binning import binned
from gyrovox.tomography.ctf_correction import ctf_correcting
from gyrovox.tomography.reconstruction import sirt, smeared_rows, weighted_back_projection
from gyrovox.tomography.tilt_series_files import (
    read_alignment,
    read_tilt_series,
    write_alignment,
    write_tilt_series,
)
from gyrovox.volumes import Region

TILTS = np.arange(-54.0, 55.0, 9.0)
TRUE = disturbed_geometry(5, TILTS, axis=4.0, shift=2.0)
SHAPE = (16, 40, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stack as it was taken, its alignment beside it under another name, and its defocus."""
    folder = tmp_path_factory.mktemp("series")
    blobs = drawn_blobs(6, 10, (5, 13, 16), height=0.01)
    nominal = TiltGeometry(
        tilt_degrees=TILTS, axis_degrees=np.full(13, 3.0), shifts=np.zeros((13, 2))
    )
    series = dark_series(
        blobs.images(TRUE, SHAPE[1:]), nominal, seed=1, name="s", defocus_nm=np.full(13, 3000.0)
    )
    write_tilt_series(series, folder)
    write_alignment(TRUE, folder / "true.xf", SHAPE[1:])
    return folder


@pytest.fixture(scope="module")
def series(folder):
    taken = read_tilt_series(folder / "s.mrc")
    return replace(taken, geometry=read_alignment(folder / "true.xf", TILTS, SHAPE[1:]))


@pytest.fixture
def reconstruct(run, folder):
    def call(output, *words):
        return run(
            "reconstruct",
            folder / "s.mrc",
            "-o",
            output,
            "--alignment",
            folder / "true.xf",
            "--thickness",
            "16",
            "--threads",
            "1",
            *words,
        )

    return call


def voxels(path):
    return io.read(path).read()[0]


@pytest.mark.parametrize("row_filter", ["hamming", "exact"])
def test_a_tomogram_is_written_with_its_voxel_size(reconstruct, series, tmp_path, row_filter):
    path = tmp_path / "tomogram.mrc"
    done = reconstruct(path, "--filter", row_filter, "--quiet")
    said = "13 images from -54 to 54 degrees, 16 x 40 x 48 voxels of 1 nm\n"
    assert (done.code, done.out, done.err) == (0, said, "")
    assert mrcfile.validate(path)
    assert io.read(path).voxel_size_nm == pytest.approx((1.0, 1.0, 1.0))
    wanted = weighted_back_projection(series, SHAPE, row_filter=row_filter)
    np.testing.assert_allclose(voxels(path), wanted, atol=1e-5 * np.abs(wanted).max())
    assert [left.name for left in tmp_path.iterdir()] == ["tomogram.mrc"]


def test_halves_are_of_every_second_tilt(reconstruct, series, tmp_path):
    done = reconstruct(tmp_path / "t.ome.zarr", "--halves", "--quiet")
    assert done.code == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["t-even.ome.zarr", "t-odd.ome.zarr", "t.ome.zarr"]
    for name, first in (("even", 0), ("odd", 1)):
        wanted = weighted_back_projection(series.chosen(np.arange(first, 13, 2)), SHAPE)
        found = voxels(tmp_path / f"t-{name}.ome.zarr")
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_sirt_of_larger_voxels(reconstruct, series, tmp_path):
    path = tmp_path / "smooth.mrc"
    done = reconstruct(path, "--method", "sirt", "--iterations", "3", "--binning", "2")
    assert done.code == 0
    assert "SIRT: 3 iterations" in done.err
    wanted = sirt(binned(series, 2), (8, 20, 24), iterations=3).voxels
    np.testing.assert_allclose(voxels(path), wanted, atol=1e-5 * np.abs(wanted).max())
    assert io.read(path).voxel_size_nm == pytest.approx((2.0, 2.0, 2.0))


def test_the_ctf_is_corrected_with_the_defocus_of_the_mdoc(reconstruct, series, tmp_path):
    path = tmp_path / "t.mrc"
    words = ("--ctf", "phase-flip", "--defocus-handedness", "-1", "--quiet")
    assert reconstruct(path, *words).code == 0
    step = ctf_correcting(series, method="phase-flip", defocus_handedness=-1)
    wanted = smeared_rows(series, SHAPE, steps=[step], quiet=True).read(Region.whole(SHAPE))[0]
    np.testing.assert_allclose(voxels(path), wanted, atol=1e-4 * np.abs(wanted).max())


def test_gold_is_erased(run, tmp_path):
    gold = Blobs(
        centres=np.array([[3.0, -8.0, 5.0], [-4.0, 9.0, -10.0]]),
        widths=np.full(2, 1.6),
        heights=np.full(2, 0.15),
    )
    ideal = TiltGeometry.ideal(TILTS)
    series = dark_series(gold.images(ideal, (48, 48)), ideal, seed=2, name="gold")
    stack = write_tilt_series(series, tmp_path)
    words = ("reconstruct", stack, "--thickness", "16", "--gold-diameter", "6", "--threads", "1")
    assert run(*words, "-o", tmp_path / "with.mrc").code == 0
    done = run(*words, "-o", tmp_path / "without.mrc", "--erase-gold")
    assert "2 gold beads are erased" in done.err
    darkest = {name: voxels(tmp_path / f"{name}.mrc").min() for name in ("with", "without")}
    assert darkest["with"] < 3 * darkest["without"] < 0


def test_an_axis_along_the_rows_turns_the_tomogram(run, tmp_path):
    turned = TiltGeometry(
        tilt_degrees=TILTS, axis_degrees=np.full(13, 88.0), shifts=np.zeros((13, 2))
    )
    blobs = drawn_blobs(6, 10, (5, 13, 9), height=0.01)
    stack = write_tilt_series(dark_series(blobs.images(turned, (30, 44)), turned), tmp_path)
    done = run(
        "reconstruct", stack, "-o", tmp_path / "t.mrc", "--thickness", "16", "--threads", "1"
    )
    assert "16 x 44 x 30 voxels" in done.out
    truth = -blobs.density((16, 44, 30))
    assert np.corrcoef(voxels(tmp_path / "t.mrc").ravel(), truth.ravel())[0, 1] > 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--thickness", "0"), "--thickness must be above 0 nm, got 0."),
        (("--seed", "-1"), "--seed must not be negative, got -1."),
        (("--iterations", "3"), "--iterations belongs to --method sirt"),
        (("--method", "sirt", "--filter", "ramp"), "--filter belongs to --method wbp"),
        (("--device", "abacus"), "device must be 'auto', 'cpu', 'cuda'"),
    ],
)
def test_wrong_options_are_told(reconstruct, tmp_path, words, said):
    done = reconstruct(tmp_path / "t.mrc", *words)
    assert done.code == 1
    assert said in done.err
    assert not list(tmp_path.iterdir())


def test_a_tomogram_that_exists_and_the_stack_itself_are_kept(reconstruct, folder, tmp_path):
    path = tmp_path / "t.mrc"
    path.write_text("earlier")
    done = reconstruct(path)
    assert done.code == 1
    assert "must not exist yet" in done.err
    assert path.read_text() == "earlier"
    before = (folder / "s.mrc").read_bytes()
    done = reconstruct(folder / "s.mrc", "--overwrite")
    assert "would be replaced by the output" in done.err
    assert (folder / "s.mrc").read_bytes() == before
