"""Differences of Gaussians: strongest for balls of their size, and in tiles as in the whole."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.difference_of_gaussians import (
    difference_of_gaussians,
    pick_by_difference_of_gaussians,
)
from gyrovox.volumes import Volume


def ball(side, diameter, centre=None):
    middle = np.array([side // 2] * 3 if centre is None else centre)
    gaps = np.linalg.norm(np.indices((side,) * 3) - middle[:, None, None, None], axis=0)
    return np.clip(diameter / 2 + 0.5 - gaps, 0, 1).astype(np.float32)


def test_no_ball_answers_more_than_one_of_its_size():
    middle = (24, 24, 24)
    answers = {
        size: difference_of_gaussians(ball(48, size), diameter=12.0)[middle]
        for size in (6, 9, 11, 12, 13, 15, 20)
    }
    assert max(answers, key=answers.get) == 12
    assert answers[20] < 0.8 * answers[12]


def test_the_kernel_changes_sign_at_the_radius():
    point = np.zeros((48, 48, 48), np.float32)
    point[24, 24, 24] = 1
    kernel = difference_of_gaussians(point, diameter=16.0)[24, 24, 24:]
    assert (kernel[:8] > 0).all()
    assert (kernel[9:20] < 0).all()


def test_tiles_answer_as_the_whole():
    noise = np.random.default_rng(0).standard_normal((20, 50, 41)).astype(np.float32)
    whole = difference_of_gaussians(noise, diameter=5.0)
    tiled = difference_of_gaussians(noise, diameter=5.0, tile=16)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


@pytest.fixture(scope="module")
def tomogram():
    noise = np.random.default_rng(1).standard_normal((60, 60, 60)).astype(np.float32)
    dense = ball(60, 20, (20, 18, 22)) + ball(60, 20, (40, 41, 38))
    return Volume.from_array(noise - 2 * dense, voxel_size_nm=(0.5, 0.5, 0.5), name="two balls")


def test_balls_are_found_in_noise(tomogram):
    found = pick_by_difference_of_gaussians(
        tomogram, diameter_nm=10.0, threshold=6.0, name="ball", quiet=True
    )
    assert len(found) == 2
    order = found.positions[:, 0].argsort()
    np.testing.assert_allclose(found.positions[order], [[20, 18, 22], [40, 41, 38]], atol=1.5)
    assert found.classes == ("ball", "ball")
    assert found.diameters_nm.tolist() == [10.0, 10.0]
    assert (found.scores > 6).all()


def test_dense_matter_is_dark_unless_it_is_said_to_be_bright(tomogram):
    found = pick_by_difference_of_gaussians(
        tomogram, diameter_nm=10.0, threshold=6.0, contrast="bright", quiet=True
    )
    assert len(found) == 0


def test_settings_are_checked(tomogram):
    with pytest.raises(SettingsError, match="must be above 0 nm, got -1"):
        pick_by_difference_of_gaussians(tomogram, diameter_nm=-1.0)
    with pytest.raises(SettingsError, match="must be a number, got nan"):
        pick_by_difference_of_gaussians(tomogram, diameter_nm=1.0, threshold=float("nan"))
