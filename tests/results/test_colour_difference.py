"""How well colours are told apart."""

import numpy as np
import pytest
from skimage.color import deltaE_cie76, rgb2lab

from gyrovox.results.colour_difference import _EYES, least_differences, lightness


def test_the_difference_of_greys_is_that_of_their_lightness():
    """Greys are greys to every eye; skimage has its own way from sRGB to L*a*b*."""
    greys = np.repeat(np.linspace(0, 1, 9)[:, np.newaxis], 3, axis=1)
    lab = rgb2lab(greys)
    expected = deltaE_cie76(lab[:, np.newaxis], lab)
    np.testing.assert_allclose(least_differences(greys), expected, atol=0.05)
    np.testing.assert_allclose(lightness(greys), lab[:, 0], atol=0.01)


def test_no_eye_tells_more_than_the_best_one():
    colours = np.random.default_rng(0).random((20, 3))
    lab = rgb2lab(colours)
    expected = deltaE_cie76(lab[:, np.newaxis], lab)
    found = least_differences(colours)
    assert (found <= expected + 0.05).all()
    assert (found[expected > 0] > 0).all()
    np.testing.assert_array_equal(found, found.T)


def test_blue_and_yellow_stay_apart_where_red_and_green_meet():
    # A red and a green of one lightness, as deuteranopes confuse them.
    found = least_differences(np.array([[0.8, 0.3, 0.2], [0.55, 0.5, 0.1], [0.1, 0.3, 0.9]]))
    assert found[0, 1] < 25
    assert found[0, 2] > 60
    assert found[1, 2] > 60


@pytest.mark.parametrize("eye", _EYES)
def test_white_is_white_to_every_eye(eye):
    np.testing.assert_allclose(eye @ np.ones(3), 1, atol=1e-4)
