"""A forest that learns from what was painted."""

import numpy as np
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.methods.random_forest import RandomForestScribbles, painted_features

from gyrovox.volumes import Volume

SHAPE = (16, 16, 16)


def test_two_grey_values_are_learned_from_a_few_voxels():
    chance = np.random.default_rng(0)
    truth = (np.indices(SHAPE)[0] >= 8).astype(np.int64)
    volume = Volume.from_array((3.0 * truth + 0.1 * chance.standard_normal(SHAPE))[None])
    forest = RandomForestScribbles(seed=0, budget=Budget())
    forest.shown({2: np.where(chance.random(SHAPE) < 0.02, truth, -1)})
    assert (forest.segment(volume, (2,))[2] == truth).mean() > 0.97


def test_where_nothing_was_painted_all_is_one_class():
    forest = RandomForestScribbles(seed=0, budget=Budget())
    forest.shown({2: np.full(SHAPE, -1)})
    volume = Volume.from_array(np.random.default_rng(0).random((1, *SHAPE)))
    assert not forest.segment(volume, (2,))[2].any()


def test_features_of_channels_stand_side_by_side():
    voxels = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
    both = painted_features(voxels)
    single = painted_features(voxels[:1])
    assert both.shape == (*SHAPE, 2 * single.shape[-1])
    np.testing.assert_allclose(both[..., : single.shape[-1]], single, rtol=1e-5)
