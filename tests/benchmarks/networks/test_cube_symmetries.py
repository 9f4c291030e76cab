"""Symmetries of the cube move every voxel, and are undone exactly."""

import itertools

import numpy as np
import pytest
import torch
from benchmarks.quality.networks.cube_symmetries import Symmetry, random_symmetry

GRID = torch.arange(2 * 27.0).reshape(2, 3, 3, 3)
EVERY = [
    Symmetry(order, flipped)
    for order in itertools.permutations(range(3))
    for count in range(4)
    for flipped in itertools.combinations(range(3), count)
]


def test_all_are_different():
    assert len({tuple(one.of(GRID).flatten().tolist()) for one in EVERY}) == 48


@pytest.mark.parametrize("shape", [(1, 2, 3, 3, 3), (2, 4, 5)])
def test_undone_is_the_inverse(shape):
    grid = torch.randn(shape)
    for one in EVERY:
        torch.testing.assert_close(one.undone(one.of(grid)), grid, rtol=0, atol=0)


@pytest.mark.parametrize(("in_slice", "count"), [(True, 8), (False, 48)])
def test_chance_draws_them_all(in_slice, count):
    chance = np.random.default_rng(0)
    drawn = {random_symmetry(chance, in_slice=in_slice) for _ in range(600)}
    assert len(drawn) == count


def test_slices_stay_where_they_are():
    chance = np.random.default_rng(0)
    levels = torch.arange(3.0)[:, None, None].expand(3, 4, 4)
    for _ in range(20):
        assert random_symmetry(chance, in_slice=True).of(levels).equal(levels)
