import numpy as np
import pytest
from scipy import ndimage

from gyrovox.tomography.alignment.correlation import measured_shift, top_between, window


def blurred_noise(shape=(70, 81)):
    return ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), 2)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (3.0, -4.0), (1.4, 2.7), (-0.3, 0.6)])
def test_shifts_are_measured_to_a_fraction_of_a_pixel(shift):
    scene = blurred_noise()
    moved = ndimage.shift(scene, shift, order=5, mode="reflect")
    found, height = measured_shift(moved, scene)
    np.testing.assert_allclose(found, shift, atol=0.12)
    assert height > 5


def test_a_level_or_a_slope_changes_nothing():
    scene = blurred_noise()
    moved = ndimage.shift(scene, (2.0, 1.0), order=5, mode="reflect")
    plain, _ = measured_shift(moved, scene)
    tilted, _ = measured_shift(3 * moved + 100 + np.arange(81) * 0.01, scene)
    np.testing.assert_allclose(tilted, plain, atol=0.15)


def test_no_shift_is_larger_than_allowed():
    scene = blurred_noise()
    moved = ndimage.shift(scene, (9.0, 0.0), order=1, mode="reflect")
    found, _ = measured_shift(moved, scene, farthest=4.0)
    assert np.abs(found).max() <= 5
    far, _ = measured_shift(moved, scene, farthest=12.0)
    assert far[0] == pytest.approx(9, abs=0.2)


def test_a_window_falls_to_the_edges():
    weights = window((40, 60))
    assert weights.max() <= 1
    assert weights[20, 30] == pytest.approx(1)
    assert max(weights[0].max(), weights[:, -1].max()) < 0.02


def test_the_top_of_a_parabola_is_found():
    rows, columns = np.indices((9, 9))
    values = -((rows - 4.3) ** 2) - 2 * (columns - 3.8) ** 2
    np.testing.assert_allclose(top_between(values, np.array([4, 4])), [0.3, -0.2])
    np.testing.assert_allclose(top_between(values, np.array([0, 4]))[0], 0)
