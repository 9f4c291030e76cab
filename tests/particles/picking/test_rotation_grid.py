"""Rotations: as many as a step asks for, spread evenly, the identity among them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.rotation_grid import even_rotations, rotation_count


def nearest_degrees(grid, wanted):
    """Angle from each wanted rotation to the nearest one of the grid."""
    turned = Rotation.from_matrix(grid)
    return np.array([np.degrees((turned * one.inv()).magnitude().min()) for one in wanted])


@pytest.mark.parametrize("step", [20.0, 40.0])
def test_every_rotation_has_one_within_a_step(step):
    wanted = Rotation.random(300, random_state=0)
    found = nearest_degrees(even_rotations(step), wanted)
    assert found.max() < step
    assert found.mean() > step / 4  # and there are not far more than need be


def test_they_are_as_even_as_the_best_lattice_and_more_than_chance():
    grid = even_rotations(30.0)
    wanted = Rotation.random(400, random_state=1)
    chance = Rotation.random(len(grid), random_state=2).as_matrix()
    assert nearest_degrees(grid, wanted).max() < 0.8 * nearest_degrees(chance, wanted).max()


def test_they_are_rotations_and_begin_with_none():
    grid = even_rotations(45.0)
    np.testing.assert_allclose(grid[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        grid @ grid.swapaxes(1, 2), np.broadcast_to(np.eye(3), grid.shape), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(grid), 1)


def test_their_number_grows_with_the_third_power():
    assert rotation_count(10.0) == pytest.approx(8 * rotation_count(20.0), rel=0.01)
    assert rotation_count(15.0) == 4401
    assert len(even_rotations(60.0)) == rotation_count(60.0)
    assert even_rotations(360.0).tolist() == [np.eye(3).tolist()]


@pytest.mark.parametrize("step", [0.0, -5.0, 361.0, float("nan")])
def test_a_step_is_an_angle(step):
    with pytest.raises(SettingsError, match="must be above 0 and at most 360 degrees"):
        rotation_count(step)
