"""Tilts and their order."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.tomography.simulation import ImagingRecipe
from gyrovox.tomography.simulation.tilt_scheme import (
    acquisition_order,
    nominal_tilts,
    prior_doses,
)


def test_the_default_series_has_41_tilts():
    tilts = nominal_tilts(ImagingRecipe())
    assert (len(tilts), tilts[0], tilts[-1]) == (41, -60.0, 60.0)


def test_steps_that_do_not_divide_the_range_stop_before_its_end():
    recipe = ImagingRecipe(tilt_range_degrees=(-10.0, 10.0), tilt_step_degrees=3.0)
    np.testing.assert_allclose(nominal_tilts(recipe), [-10, -7, -4, -1, 2, 5, 8])


def test_a_dose_symmetric_series_alternates_outwards():
    tilts = np.arange(-9.0, 10, 3)
    taken = tilts[acquisition_order(tilts, "dose-symmetric")]
    assert taken.tolist() == [0, 3, -3, -6, 6, 9, -9]


def test_a_range_that_is_lopsided_is_taken_whole():
    tilts = np.arange(-3.0, 13, 3)
    taken = tilts[acquisition_order(tilts, "dose-symmetric")]
    assert taken.tolist() == [0, 3, -3, 6, 9, 12]


def test_a_one_way_series_goes_from_end_to_end():
    assert acquisition_order(np.arange(4.0), "one-way").tolist() == [0, 1, 2, 3]


def test_an_unknown_scheme_is_refused():
    with pytest.raises(SettingsError, match="dose-symmetric or one-way, got 'spiral'"):
        acquisition_order(np.arange(4.0), "spiral")


def test_dose_adds_up_in_the_order_of_the_images():
    found = prior_doses(np.array([1.0, 2.0, 4.0]), np.array([1, 2, 0]))
    assert found.tolist() == [6.0, 0.0, 2.0]
