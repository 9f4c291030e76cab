"""Surfaces that are nearly spheres."""

import numpy as np
import pytest

from gyrovox.tomography.simulation.orientation import random_direction
from gyrovox.tomography.simulation.round_surface import RoundSurface


@pytest.fixture
def surface():
    return RoundSurface.drawn(np.random.default_rng(2), np.array([5.0, 6.0, 7.0]), 45.0, 0.05)


@pytest.fixture
def directions():
    generator = np.random.default_rng(0)
    return [random_direction(generator) for _ in range(3000)]


def test_its_radius_varies_as_much_as_it_says(surface, directions):
    radii = np.array([surface.radius_along(direction) for direction in directions])
    assert radii.mean() == pytest.approx(45.0, rel=0.003)
    assert radii.std() == pytest.approx(0.05 * 45.0, rel=0.05)
    assert radii.max() <= surface.reach_nm + 1e-9
    assert surface.reach_nm == pytest.approx(radii.max(), rel=0.005)


def test_points_on_it_have_no_depth(surface, directions):
    for direction in directions[:20]:
        for beyond in (-3.0, 0.0, 2.0):
            point = (surface.radius_along(direction) + beyond) * direction
            offsets = tuple(np.array([[[axis]]]) for axis in point)
            assert float(surface.depth(offsets)[0, 0, 0]) == pytest.approx(-beyond, abs=1e-4)


def test_normals_are_at_right_angles_to_the_surface(surface, directions):
    """Against differences of neighbouring points of the surface."""
    for direction in directions[:20]:
        normal = surface.normal_along(direction)
        assert np.linalg.norm(normal) == pytest.approx(1.0)
        assert normal @ direction > 0.9
        for sideways in np.eye(3):
            near = direction + 1e-5 * sideways
            near /= np.linalg.norm(near)
            step = surface.radius_along(near) * near - surface.radius_along(direction) * direction
            assert abs(normal @ step) < 1e-8


def test_a_sphere_is_a_sphere(directions):
    sphere = RoundSurface.drawn(np.random.default_rng(2), np.zeros(3), 30.0, 0.0)
    assert sphere.reach_nm == pytest.approx(30.0)
    np.testing.assert_allclose(sphere.normal_along(directions[0]), directions[0])
