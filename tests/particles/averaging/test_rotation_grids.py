"""Turns that an alignment tries."""

import numpy as np
import pytest
from scattered_molecules import apart_degrees, turn

from gyrovox.particles.averaging.rotation_grids import local_rotations, spins_about_axis


@pytest.mark.parametrize(("lean", "spin"), [(0.0, 0.0), (20.0, 15.0), (25.0, 180.0)])
def test_every_turn_within_reach_has_one_nearby(lean, spin):
    turns = local_rotations(step_degrees=10.0, lean_degrees=lean, spin_degrees=spin)
    np.testing.assert_allclose(turns[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(
        turns @ turns.swapaxes(1, 2), np.eye(3)[None].repeat(len(turns), 0), atol=1e-12
    )
    draw = np.random.default_rng(0)
    for _ in range(100):
        towards, up = draw.uniform(0, 2 * np.pi), np.sqrt(draw.uniform()) * lean
        axis = (0.0, np.sin(towards), np.cos(towards))
        wanted = turn(axis, up) @ turn((1, 0, 0), draw.uniform(-spin, spin))
        nearest = apart_degrees(turns, np.repeat(wanted[None], len(turns), axis=0)).min()
        assert nearest <= 10.0


def test_no_turn_goes_farther_than_it_may():
    turns = local_rotations(step_degrees=7.0, lean_degrees=20.0, spin_degrees=15.0)
    leans = np.degrees(np.arccos(np.clip(turns[:, 0, 0], -1, 1)))
    assert leans.max() == pytest.approx(20.0)
    assert len(turns) < 400


def test_no_turn_comes_twice_all_around():
    turns = local_rotations(step_degrees=30.0, lean_degrees=0.0, spin_degrees=180.0)
    assert len(turns) == 12
    spins = np.degrees(np.arctan2(turns[:, 1, 2], turns[:, 1, 1])) % 360
    np.testing.assert_allclose(np.diff(np.sort(spins)), 30.0)


def test_the_spins_of_a_symmetry_are_its_own():
    spins = spins_about_axis(3)
    np.testing.assert_allclose(spins[0], np.eye(3))
    np.testing.assert_allclose(spins[1], turn((1, 0, 0), 120), atol=1e-12)
    np.testing.assert_allclose(spins[1] @ spins[2], np.eye(3), atol=1e-12)
    assert spins_about_axis(1).shape == (1, 3, 3)
