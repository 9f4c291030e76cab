"""What the browser gets is NIfTI, by nibabel's reading of it."""

import gzip

import nibabel
import numpy as np
import pytest

from gyrovox.viewer.coarse_nifti import image_nifti, label_nifti

SIZES = (4.0, 2.0, 2.5)


def opened(packed):
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(packed))


def voxels_of(image):
    return np.asarray(image.dataobj).transpose(2, 1, 0)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(100, 20, (6, 7, 8)).astype(np.float32)


def test_labels_come_as_they_are():
    labels = np.arange(6 * 7 * 8, dtype=np.uint16).reshape(6, 7, 8) * 100
    image = opened(label_nifti(labels, 1, SIZES))
    assert image.get_data_dtype() == np.uint16
    np.testing.assert_array_equal(voxels_of(image), labels)
    assert image.header.get_intent()[0] == "label"


def test_axes_are_those_of_the_world_and_positions_those_of_voxels(noise):
    for step in (1, 2, 3):
        for packed in (
            image_nifti(noise, step, SIZES),
            label_nifti((noise > 0).astype(np.uint16), step, SIZES),
        ):
            image = opened(packed)
            assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
            # In units of the shortest side: 2 nm.
            np.testing.assert_allclose(image.header.get_zooms(), np.array([1.25, 1, 2]) * step)
            for coarse in (0, 3):
                middle = (step - 1) / 2 + coarse * step
                position = image.affine @ [coarse, coarse, coarse, 1]
                np.testing.assert_allclose(position[:3] / [1.25, 1, 2], middle, atol=1e-6)


def test_voxels_of_unknown_size_are_cubes(noise):
    assert opened(image_nifti(noise, 2, None)).header.get_zooms() == (2, 2, 2)


def test_the_header_says_the_step_and_the_first_contrast(noise):
    header = opened(image_nifti(noise, 3, SIZES)).header
    assert header["descrip"].item() == b"gyrovox: blocks of 3 x 3 x 3 voxels"
    expected = np.percentile(noise, [0.5, 99.5])
    np.testing.assert_allclose([header["cal_min"], header["cal_max"]], expected, rtol=1e-5)


def test_an_image_is_kept_to_a_256th_of_its_contrast(noise):
    image = opened(image_nifti(noise, 1, SIZES))
    assert image.get_data_dtype() == np.uint8
    assert abs(voxels_of(image) - noise).max() < np.ptp(noise) / 255


def test_a_few_beads_do_not_take_the_contrast(noise):
    beads = noise.copy()
    beads.flat[:2] = 1e6, -1e6
    got = voxels_of(opened(image_nifti(beads, 1, SIZES)))
    low, high = np.percentile(beads, [0.5, 99.5])
    inside = (beads > low) & (beads < high)
    assert abs(got - beads)[inside].max() <= (high - low) / 255
    assert got.flat[0] == got.max()
    assert got.flat[1] == got.min()


@pytest.mark.parametrize(
    "values", [np.arange(256), np.arange(-100, 100), np.full(60, 7), np.zeros(50)], ids=len
)
def test_whole_numbers_of_a_small_span_are_exact(values):
    image = np.resize(values, (8, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(voxels_of(opened(image_nifti(image, 1, None))), image)


@pytest.mark.parametrize("value", [0.3, -1e30, 1e-30])
def test_an_image_of_one_brightness_is_one(value):
    image = opened(image_nifti(np.full((4, 4, 4), value, np.float32), 1, None))
    np.testing.assert_allclose(voxels_of(image), value, rtol=1e-6)
    assert image.header["cal_max"] >= image.header["cal_min"]


def test_what_is_not_finite_is_as_dark_as_the_darkest(noise):
    noise[0, 0, 0] = np.nan
    got = voxels_of(opened(image_nifti(noise, 1, None)))
    assert got[0, 0, 0] == got.min()
    assert np.isfinite(got).all()
    nothing = np.full((3, 3, 3), np.nan, np.float32)
    assert (voxels_of(opened(image_nifti(nothing, 1, None))) == 0).all()


def test_the_same_image_gives_the_same_bytes(noise):
    assert image_nifti(noise, 1, SIZES) == image_nifti(noise.copy(), 1, SIZES)
