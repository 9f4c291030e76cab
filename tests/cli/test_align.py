"""`gyrovox align`."""

import json

import matplotlib.image
import numpy as np
import pytest
from gaussian_blobs import Blobs, dark_series, distance_of_geometries, disturbed_geometry

from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.tilt_series_files import read_alignment, write_tilt_series

TILTS = np.arange(-54.0, 55.0, 9.0)
TRUE = disturbed_geometry(5, TILTS, axis=4.0, shift=2.0)
BEADS = Blobs(
    centres=np.array([
        [4.0, -18.0, -14.0],
        [-6.0, 3.0, 12.0],
        [2.0, 17.0, -9.0],
        [6.0, -7.0, 20.0],
        [-3.0, 12.0, 22.0],
    ]),
    widths=np.full(5, 1.6),
    heights=np.full(5, 0.12),
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    nominal = TiltGeometry(
        tilt_degrees=TILTS, axis_degrees=np.full(13, 3.0), shifts=np.zeros((13, 2))
    )
    series = dark_series(BEADS.images(TRUE, (56, 64)), nominal, seed=1, name="beads")
    return write_tilt_series(series, tmp_path_factory.mktemp("series"))


def test_beads_of_a_stack_are_aligned(run, stack, tmp_path):
    folder = tmp_path / "aligned"
    done = run("align", stack, "-o", folder, "--gold-diameter", "6", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("fiducial: 5 beads, residual 0.")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["alignment.json", "alignment.png", "beads.tlt", "beads.xf"]
    found = read_alignment(folder / "beads.xf", TILTS, (56, 64))
    assert distance_of_geometries(found, TRUE, BEADS.centres) < 0.4
    assert len((folder / "beads.tlt").read_text().split()) == 13
    record = json.loads((folder / "alignment.json").read_text())
    assert (record["method"], record["landmarks"], record["pixel_size_nm"]) == ("fiducial", 5, 1.0)
    assert 0 < record["mean_residual_pixels"] < 0.5
    assert len(record["images"]) == 13
    assert record["images"][3]["shift_v_u_nm"] == pytest.approx(found.shifts[3].tolist(), abs=1e-2)
    assert matplotlib.image.imread(folder / "alignment.png").shape[1] > 800


def test_the_alignment_of_binned_images_is_for_the_stack_as_it_is(run, stack, tmp_path):
    done = run(
        "align", stack, "-o", tmp_path / "a", "--method", "coarse", "--binning", "2", "--quiet"
    )
    assert done.out == "coarse: 13 images, residuals unknown\n"
    found = read_alignment(tmp_path / "a" / "beads.xf", TILTS, (56, 64))
    assert distance_of_geometries(found, TRUE, BEADS.centres) < 2.0
    record = json.loads((tmp_path / "a" / "alignment.json").read_text())
    assert (record["binning"], record["pixel_size_nm"]) == (2, 2.0)
    assert record["images"][0]["mean_residual_nm"] is None


def test_an_axis_that_is_told_goes_before_that_of_the_file(run, stack, tmp_path):
    words = ("align", stack, "-o", tmp_path / "a", "--method", "coarse", "--axis", "-7.5")
    assert run(*words, "--quiet").code == 0
    record = json.loads((tmp_path / "a" / "alignment.json").read_text())
    assert {image["axis_degrees"] for image in record["images"]} == {-7.5}


def test_results_that_exist_are_kept(run, stack, tmp_path):
    (tmp_path / "beads.xf").write_text("earlier")
    done = run("align", stack, "-o", tmp_path)
    assert done.code == 1
    assert "beads.xf must not exist yet" in done.err
    assert (tmp_path / "beads.xf").read_text() == "earlier"


def test_wrong_options_are_told(run, stack, tmp_path):
    done = run("align", stack, "-o", tmp_path / "a", "--gold-diameter", "0")
    assert (done.code, done.err) == (
        1,
        "gyrovox: --gold-diameter must be above 0 nm, got 0.\n",
    )
    done = run("align", stack, "-o", tmp_path / "a", "--method", "fiducial", "--quiet")
    assert done.code == 1
    assert "at least 3 that are seen in 40 % of the images" in done.err
    assert not (tmp_path / "a").exists()
