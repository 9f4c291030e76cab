"""The sub-volumes of all particles, as they stand in a state."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scattered_molecules import molecule, scattered, turn

from gyrovox.particles.averaging import Averager, AveragingRecipe
from gyrovox.particles.averaging.particle_stack import ParticleStack
from gyrovox.particles.averaging.rotation_grids import spins_about_axis
from gyrovox.particles.subvolumes import SubvolumeSampler

SCENE = scattered(counts=(2, 3, 6))


@pytest.fixture
def stack():
    sampler = SubvolumeSampler(SCENE.tomogram, box=12)
    return ParticleStack(sampler, None, spins_about_axis(1), device=torch.device("cpu"), quiet=True)


@pytest.fixture(scope="module")
def state():
    recipe = AveragingRecipe(box_nm=12.0, search_spin=False, tilt_range=None)
    return Averager(SCENE.tomogram, SCENE.truth, recipe).start()


def test_the_average_of_true_poses_is_the_molecule(stack, state):
    average = stack.sum_of(state, np.ones(36, np.bool_)).average().numpy()
    assert np.corrcoef(average.ravel(), molecule(12).ravel())[0, 1] > 0.99


def test_batches_hold_the_rows_that_were_asked_for(stack, state):
    rows = np.array([35, 0, 7])
    boxes, wedges = next(stack.batches(state, rows))
    again = torch.cat([next(stack.batches(state, rows[[index]]))[0] for index in range(3)])
    torch.testing.assert_close(boxes, again)
    assert wedges.shape == (3, 12, 12, 7)
    assert [len(pair[0]) for pair in stack.batches(state, np.arange(36))] == [32, 4]


def test_boxes_follow_the_poses(stack, state):
    before = next(stack.batches(state, np.array([3])))[0]
    spun = replace(state, rotations=state.rotations @ turn((1, 0, 0), 90))
    after = next(stack.batches(spun, np.array([3])))[0]
    assert not torch.allclose(before, after, atol=0.1)
    inner = slice(2, -2)
    np.testing.assert_allclose(
        after[0, inner, inner, inner], _spun(before[0].numpy())[inner, inner, inner], atol=0.05
    )


def _spun(box):
    """A box seen by axes that a quarter turn from x to y has turned about the voxel at n // 2."""
    turned = np.zeros_like(box)
    turned[:, 1:, 1:] = box[:, 1:, :0:-1].transpose(0, 2, 1)
    return turned
