"""From potentials to electrons."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.tomography.ctf import contrast_transfer_2d
from gyrovox.tomography.simulation import ImagingRecipe
from gyrovox.tomography.simulation.image_formation import Exposure, expected_electrons
from gyrovox.tomography.simulation.radiation_damage import remaining_amplitude

PLAIN = ImagingRecipe(blur_nm2=0.0, damage=False, mean_free_path_nm=1e15)
EXPOSURE = Exposure(tilt_degrees=0.0, defocus_nm=3000.0, dose=3.0, prior_dose=30.0)
SHAPE = (48, 50)
SIZE = 1.5
ELECTRONS = 3.0 * 15.0**2


def taken(potential, recipe=PLAIN, exposure=EXPOSURE, transmitted=None):
    return expected_electrons(
        potential,
        np.ones(SHAPE) if transmitted is None else transmitted,
        exposure,
        recipe,
        pixel_size_nm=SIZE,
        thickness_nm=150.0,
    )


@pytest.fixture
def ball():
    """A projected ball of protein, 12 nm across."""
    rows, columns = np.indices(SHAPE)
    squared = ((rows - 24) ** 2 + (columns - 25) ** 2) * SIZE**2
    return 2 * 2.8 * np.sqrt(np.maximum(36.0 - squared, 0))


def test_empty_ice_lets_every_electron_through():
    np.testing.assert_allclose(taken(np.zeros(SHAPE)), ELECTRONS)


def test_a_weak_object_has_the_contrast_of_the_transfer_function(ball):
    weak = 1e-3 * ball
    found = taken(weak) / ELECTRONS - 1
    given = {"pixel_size_nm": SIZE, "defocus_nm": 3000.0, "optics": PLAIN.optics}
    transfer = contrast_transfer_2d(SHAPE, **given)
    phase = PLAIN.optics.interaction_rad_per_v_nm * weak
    expected = 2 * np.fft.ifft2(np.fft.fft2(phase) * transfer).real
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_protein_is_dark_below_focus():
    rows, columns = np.indices(SHAPE)
    squared = ((rows - 24) ** 2 + (columns - 25) ** 2) * SIZE**2
    contrast = taken(30.0 * np.exp(-0.5 * squared / 5.0**2)) / ELECTRONS - 1
    assert -0.3 < contrast[24, 25] < -0.03


def test_exposure_takes_fine_detail(ball):
    damaged = taken(1e-3 * ball, replace(PLAIN, damage=True)) / ELECTRONS - 1
    whole = taken(1e-3 * ball) / ELECTRONS - 1
    ratio = np.abs(np.fft.rfft2(damaged) / np.fft.rfft2(whole))[0, 2:6]
    frequency = np.fft.rfftfreq(SHAPE[1], SIZE)[2:6]
    np.testing.assert_allclose(ratio, remaining_amplitude(frequency, 31.5), rtol=0.01)


def test_tilted_ice_takes_more_electrons():
    recipe = replace(PLAIN, mean_free_path_nm=300.0)
    found = taken(np.zeros(SHAPE), recipe, replace(EXPOSURE, tilt_degrees=60.0))
    np.testing.assert_allclose(found, ELECTRONS * np.exp(-1.0))


def test_without_a_filter_lost_electrons_blur_the_image(ball):
    recipe = replace(PLAIN, mean_free_path_nm=300.0, energy_filter=False)
    blurred, filtered = taken(ball, recipe), taken(ball, replace(recipe, energy_filter=True))
    assert blurred.mean() == pytest.approx(taken(ball).mean())
    assert filtered.mean() == pytest.approx(taken(ball).mean() * np.exp(-0.5))
    assert 0.5 < (blurred.std() / blurred.mean()) / (filtered.std() / filtered.mean()) < 0.99


def test_the_blur_grows_with_the_way_through_the_ice(ball):
    recipe = replace(PLAIN, blur_nm2=8.0)
    flat, tilted = (taken(ball, recipe, replace(EXPOSURE, tilt_degrees=t)) for t in (0.0, 60.0))
    ratio = np.abs(np.fft.rfft2(tilted) / np.fft.rfft2(flat))[0, 1:8]
    frequency = np.fft.rfftfreq(SHAPE[1], SIZE)[1:8]
    np.testing.assert_allclose(ratio, np.exp(-0.25 * 8.0 * frequency**2), rtol=1e-6)


def test_what_gold_takes_is_missing():
    transmitted = np.ones(SHAPE)
    transmitted[20:28, 20:28] = 0.2
    found = taken(np.zeros(SHAPE), transmitted=transmitted)
    assert found[22:26, 22:26].mean() == pytest.approx(0.2 * ELECTRONS, rel=0.2)
    assert found.sum() == pytest.approx(ELECTRONS * transmitted.sum())
