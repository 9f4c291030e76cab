"""Spacing: ways along the membrane, and how they compare with random places."""

import numpy as np
import pytest

from gyrovox.particles.spikes.directions import even_directions
from gyrovox.particles.spikes.membrane import MembraneSurface
from gyrovox.particles.spikes.spacing import spacing_of, ways_nm

SPHERE = MembraneSurface(centre_nm=np.zeros(3), coefficients=np.array([50 * (4 * np.pi) ** 0.5]))


def test_ways_on_a_sphere_are_arcs():
    angles = np.array([0.0, 0.2, 1.0, 2.5])
    starts = np.tile([1.0, 0.0, 0.0], (4, 1))
    ends = np.stack([np.cos(angles), np.sin(angles), np.zeros(4)], axis=1)
    np.testing.assert_allclose(ways_nm(SPHERE, starts, ends), 50 * angles, rtol=1e-3)


def test_a_way_over_a_bulge_is_longer_than_its_arc():
    coefficients = np.zeros(25)
    coefficients[0], coefficients[20] = 50 * (4 * np.pi) ** 0.5, 10.0
    bulged = MembraneSurface(centre_nm=np.zeros(3), coefficients=coefficients)
    start, end = np.array([[1.0, 0, 0]]), np.array([[0.0, 1, 0]])
    steps = np.linspace(0, np.pi / 2, 2001)
    along = np.stack([np.cos(steps), np.sin(steps), 0 * steps], axis=1)
    points = along * bulged.radius_nm(along)[:, None]
    exact = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    assert ways_nm(bulged, start, end)[0] == pytest.approx(exact, rel=2e-3)


def test_even_places_are_farther_apart_than_random_ones():
    even = spacing_of(SPHERE, even_directions(100))
    assert len(even.nearest_nm) == 100
    assert 1.5 < even.ratio < 2.15  # of a triangular lattice it would be 2.149
    random = np.random.default_rng(0).normal(size=(2000, 3))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    assert spacing_of(SPHERE, random).ratio == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_spikes_have_no_spacing(count):
    alone = spacing_of(SPHERE, even_directions(5)[:count])
    assert len(alone.nearest_nm) == 0
    assert np.isnan(alone.ratio)
