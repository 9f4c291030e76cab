"""The frame of a reference that nobody gave."""

from dataclasses import replace

import numpy as np
import pytest
from scattered_molecules import apart_degrees, scattered, turn

from gyrovox.particles.averaging import AveragingState
from gyrovox.particles.averaging.prior_frame import in_prior_frame

TRUTH = scattered(counts=(1, 2, 3)).truth


def state_of(positions, rotations):
    count = len(positions)
    return AveragingState(
        iteration=1,
        rows=np.arange(count),
        second=np.arange(count) % 2 == 1,
        positions=positions,
        rotations=rotations,
        scores=np.arange(float(count)),
        halves=np.zeros((2, 4, 4, 4), np.float32),
        seen=np.ones((4, 4, 3), np.float32),
        cutoff=0.25,
        grown=True,
    )


def wandered(lean, slide):
    """The true poses, told from a reference that leans and has slid."""
    rotations = TRUTH.rotations @ lean
    return state_of(TRUTH.positions + TRUTH.rotations @ slide, rotations)


def test_a_reference_that_wandered_comes_back():
    lean, slide = turn((0, 0.6, 0.8), 17.0), np.array([1.0, -0.5, 2.0])
    back = in_prior_frame(wandered(lean, slide), TRUTH, symmetric=False)
    np.testing.assert_allclose(back.positions, TRUTH.positions, atol=1e-9)
    assert apart_degrees(back.rotations, TRUTH.rotations).max() < 1e-4
    assert back.scores.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_symmetric_one_can_only_have_slid_along_its_axis():
    lean, slide = turn((0, 0.6, 0.8), 5.0), np.array([1.0, 0.0, 0.0])
    back = in_prior_frame(wandered(np.eye(3), slide), TRUTH, symmetric=True)
    np.testing.assert_allclose(back.positions, TRUTH.positions, atol=1e-9)
    still = in_prior_frame(wandered(lean, 0 * slide), TRUTH, symmetric=True)
    assert apart_degrees(still.rotations, TRUTH.rotations).min() == pytest.approx(5.0)


def test_spins_do_not_matter():
    spun = replace(TRUTH, rotations=TRUTH.rotations @ turn((1, 0, 0), 77.0))
    back = in_prior_frame(wandered(np.eye(3), np.zeros(3)), spun, symmetric=False)
    assert apart_degrees(back.rotations, TRUTH.rotations).max() < 1e-4
