"""The whole way from a seed to a tomogram."""

import numpy as np
import pytest

from gyrovox.tomography.simulation import simulated_tomogram


@pytest.fixture(scope="module")
def simulated(recipe, imaging):
    return simulated_tomogram(1, recipe, imaging)


def test_it_is_the_tomogram_of_its_specimen(simulated, small):
    assert simulated.tomogram.shape == small.density.shape
    np.testing.assert_array_equal(simulated.specimen.density, small.density)
    dark = np.corrcoef(simulated.tomogram.ravel(), small.density.ravel())[0, 1]
    assert dark < -0.2


def test_what_is_dense_is_dark_where_its_truth_says(simulated):
    parts = simulated.specimen.truths[1]
    spread = simulated.tomogram.std()
    membrane = simulated.tomogram[parts == 1].mean()
    assert membrane < simulated.tomogram[parts == 0].mean() - 0.3 * spread


def test_the_same_seed_makes_the_same_tomogram(simulated, recipe, imaging):
    again = simulated_tomogram(1, recipe, imaging)
    np.testing.assert_array_equal(again.tomogram, simulated.tomogram)
    np.testing.assert_array_equal(again.geometry.shifts, simulated.geometry.shifts)
    np.testing.assert_array_equal(again.series.images, simulated.series.images)
