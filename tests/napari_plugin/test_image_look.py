import numpy as np
import pytest

from gyrovox.napari_plugin.image_look import contrast_limits


def test_outliers_do_not_darken_the_rest():
    image = np.random.default_rng(0).normal(100, 10, (20, 40, 40)).astype(np.float32)
    image[10, 20, 20] = 1e6
    low, high = contrast_limits(image)
    assert 60 < low < 80
    assert 120 < high < 140


@pytest.mark.parametrize("value", [0.0, 7.0, -3e30])
def test_a_constant_image_has_a_range_too(value):
    low, high = contrast_limits(np.full((4, 4, 4), value, np.float64))
    assert low == value
    assert high > low


def test_what_is_no_number_is_left_out():
    image = np.full((4, 8, 8), np.nan, np.float32)
    assert contrast_limits(image) == (0.0, 1.0)
    image[:, ::2] = 1
    image[:, 1::4] = 5
    assert contrast_limits(image) == (1.0, 5.0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 300), (300, 2, 1)])
def test_thin_volumes_have_a_range(shape):
    assert contrast_limits(np.zeros(shape, np.uint8)) == (0.0, 1.0)
