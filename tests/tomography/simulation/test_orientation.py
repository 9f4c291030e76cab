"""Rotations and directions."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.tomography.simulation.orientation import (
    leaning,
    random_direction,
    random_rotation,
    standing_along,
)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def assert_rotation(matrix):
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1.0)


def test_random_rotations_are_those_of_scipy_for_the_same_quaternions(generator):
    for _ in range(5):
        w, *vector = np.random.default_rng(5).standard_normal(4)
        expected = Rotation.from_quat([*vector, w]).as_matrix()
        np.testing.assert_allclose(random_rotation(np.random.default_rng(5)), expected)
        assert_rotation(random_rotation(generator))


def test_random_rotations_prefer_no_direction(generator):
    turned = np.array([random_rotation(generator) for _ in range(4000)])
    np.testing.assert_allclose(turned.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose((turned**2).mean(axis=0), 1 / 3, atol=0.03)


def test_random_directions_prefer_none(generator):
    drawn = np.array([random_direction(generator) for _ in range(4000)])
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(3) / 3, atol=0.03)


def test_a_reference_along_z_stands_along_the_direction(generator):
    direction = random_direction(generator)
    one, other = (standing_along(direction, generator) for _ in range(2))
    for rotation in (one, other):
        assert_rotation(rotation)
        np.testing.assert_allclose(rotation @ [1.0, 0.0, 0.0], direction)
    assert np.abs(one - other).max() > 0.1  # turned about it at random


def test_a_lean_has_its_standard_deviation_along_each_axis(generator):
    direction = np.array([0.0, 0.6, 0.8])
    drawn = np.array([leaning(direction, 4.0, generator) for _ in range(1500)])
    across = np.rad2deg(drawn[:, 0])
    assert across.std() == pytest.approx(4.0, rel=0.08)
    assert np.abs(np.linalg.norm(drawn, axis=1) - 1).max() < 1e-12
    np.testing.assert_allclose(leaning(direction, 0.0, generator), direction)
