"""Families of hues."""

import numpy as np
import pytest

from gyrovox.hues import FAMILIES, shade


def lightness(colours):
    """Relative luminance of sRGB."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("family", range(len(FAMILIES)))
def test_a_family_runs_from_dark_to_light(family):
    tones = np.array([shade(family, tone) for tone in np.linspace(0, 1, 41)])
    assert ((tones >= 0) & (tones <= 1)).all()
    assert (np.diff(lightness(tones)) > 0).all()


@pytest.mark.parametrize("family", range(len(FAMILIES)))
def test_a_family_goes_through_its_stops(family):
    found = [shade(family, tone) for tone in (0.0, 0.25, 0.5, 0.75, 1.0)]
    written = ["#" + "".join(f"{round(255 * c):02x}" for c in colour) for colour in found]
    assert tuple(written) == FAMILIES[family]


def test_after_the_last_family_comes_the_first():
    np.testing.assert_array_equal(shade(len(FAMILIES) + 1, 0.3), shade(1, 0.3))
