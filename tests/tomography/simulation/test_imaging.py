"""Tilt series of specimens."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.errors import SettingsError
from gyrovox.tomography.simulation import ImagingRecipe, make_specimen, make_tilt_series
from gyrovox.tomography.simulation.image_formation import Exposure, expected_electrons

EXACT = ImagingRecipe(tilt_step_degrees=20.0, noise=False, damage=False, shift_nm=12.0)


@pytest.fixture(scope="module")
def beads(recipe):
    """Gold alone."""
    empty = {"virions": 0, "vesicles": 0, "microtubules": 0, "membranes": 0, "ribosomes": 0}
    return make_specimen(
        4, replace(recipe, **empty, shells=0, crowding=0.0, gold=4, voxel_size_nm=2.0)
    )


@pytest.fixture(scope="module")
def series(small, imaging):
    return make_tilt_series(1, small, imaging)


def test_the_series_knows_what_the_stage_was_told_and_not_what_it_did(series, imaging):
    taken, true = series
    np.testing.assert_allclose(taken.geometry.tilt_degrees, np.arange(-60, 61, 15))
    assert (taken.geometry.axis_degrees == imaging.axis_degrees).all()
    assert not taken.geometry.shifts.any()
    assert true.shifts.std() > 0.5
    assert 0 < np.ptp(true.axis_degrees) < 2
    assert 0 < np.abs(true.tilt_degrees - taken.geometry.tilt_degrees).max() < 0.3


def test_images_are_counts_of_the_dose_that_ice_lets_through(series, small, imaging):
    taken, true = series
    assert taken.images.shape == (9, *small.density.shape[1:])
    assert (taken.images == np.rint(taken.images)).all()
    assert taken.images.min() >= 0
    thickness = small.density.shape[0] * small.voxel_size_nm
    way = thickness / np.cos(np.deg2rad(true.tilt_degrees)) / imaging.mean_free_path_nm
    electrons = imaging.dose / 9 * (10 * small.voxel_size_nm) ** 2 * 0.9
    np.testing.assert_allclose(taken.images.mean((1, 2)), electrons * np.exp(-way), rtol=0.05)


def test_dose_and_defocus_of_every_image_are_kept(series, imaging):
    taken, _ = series
    assert taken.dose.sum() == pytest.approx(imaging.dose)
    assert taken.prior_dose[4] == 0  # the least tilt comes first
    assert taken.prior_dose.max() == pytest.approx(imaging.dose * 8 / 9)
    assert taken.defocus_nm.std() > 10
    np.testing.assert_allclose(taken.defocus_nm, imaging.defocus_nm, atol=500)


def test_the_same_seed_takes_the_same_series(series, small, imaging):
    again, true = make_tilt_series(1, small, imaging)
    np.testing.assert_array_equal(again.images, series[0].images)
    np.testing.assert_array_equal(true.shifts, series[1].shifts)
    other, _ = make_tilt_series(2, small, imaging)
    assert (other.images != again.images).any()


def test_gold_lies_where_the_true_geometry_takes_it(beads):
    """The darkest places of noise-free images, against the projected places of the beads."""
    taken, true = make_tilt_series(0, beads, EXACT)
    gold = beads.particles_of("gold")
    places = true.project(gold.positions - np.array(beads.density.shape) // 2)
    middle = np.array(taken.images.shape[1:]) // 2
    seen = 0
    for image, found in zip(taken.images, places + middle, strict=True):
        dark = 1 - image / np.median(image)
        for place in found:
            apart = np.linalg.norm(np.delete(found, (found == place).all(1), 0) - place, axis=1)
            if (place < 6).any() or (place > np.array(image.shape) - 7).any() or min(apart) < 9:
                continue
            corner = np.rint(place).astype(int) - 3
            patch = dark[corner[0] : corner[0] + 7, corner[1] : corner[1] + 7]
            assert patch.max() > 0.5
            centre = ndimage.center_of_mass(np.maximum(patch, 0)) + corner
            np.testing.assert_allclose(centre, place, atol=0.35)
            seen += 1
    assert seen > 8


def test_images_show_the_specimen_dark(small):
    taken, true = make_tilt_series(0, small, EXACT)
    shadow = small.density.sum(axis=0)
    image = ndimage.shift(taken.images[3], -true.shifts[3], mode="nearest")
    inner = (slice(8, -8), slice(8, -8))
    assert np.corrcoef(shadow[inner].ravel(), image[inner].ravel())[0, 1] < -0.5


def test_an_image_without_errors_is_that_of_the_summed_density(small, recipe):
    specimen = make_specimen(1, replace(recipe, gold=0))
    perfect = replace(
        EXACT,
        tilt_range_degrees=(0.0, 0.0),
        tilt_error_degrees=0.0,
        axis_degrees=0.0,
        axis_error_degrees=0.0,
        shift_nm=0.0,
        detective_efficiency=(1.0, 1.0),
        transfer_at_nyquist=1.0,
    )
    taken, _ = make_tilt_series(0, specimen, perfect)
    size, depth = specimen.voxel_size_nm, specimen.density.shape[0]
    potential = np.pad(size * specimen.density.sum(axis=0, dtype=np.float64), 12)
    exposure = Exposure(
        tilt_degrees=0.0, defocus_nm=float(taken.defocus_nm[0]), dose=120.0, prior_dose=0.0
    )
    given = {"pixel_size_nm": size, "thickness_nm": depth * size}
    clear = np.ones_like(potential)
    expected = expected_electrons(potential, clear, exposure, perfect, **given)[12:-12, 12:-12]
    error = taken.images[0] - expected
    assert np.abs(error).max() < 0.02 * np.ptp(expected)


def test_a_seed_must_not_be_negative(small, imaging):
    with pytest.raises(SettingsError, match="seed must not be negative"):
        make_tilt_series(-2, small, imaging)
