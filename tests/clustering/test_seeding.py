import numpy as np
import pytest

from gyrovox.clustering.lloyd import squared_distances
from gyrovox.clustering.seeding import farthest, plus_plus
from gyrovox.clustering.space import FlatSpace, HyperbolicSpace


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("space", [HyperbolicSpace(), FlatSpace(np.zeros(2))], ids=["ball", "flat"])
def test_separate_clumps_get_a_centre_each(space, rng):
    places = np.array([[0, 0], [2, 0], [0, 2], [-2, -2]])
    codes = np.repeat(places, 100, axis=0) + 0.01 * rng.normal(size=(400, 2))
    centres = plus_plus(space, codes, np.ones(400), 4, rng)
    nearest = np.square(centres[:, None] - places).sum(-1).argmin(axis=1)
    assert sorted(nearest) == [0, 1, 2, 3]


def test_codes_without_weight_are_never_drawn(rng):
    codes = rng.normal(size=(50, 2))
    weights = np.where(np.arange(50) < 5, 1.0, 0.0)
    centres = plus_plus(HyperbolicSpace(), codes, weights, 5, rng)
    np.testing.assert_array_equal(np.sort(centres, axis=0), np.sort(codes[:5], axis=0))


def test_copies_of_one_code_are_no_trap(rng):
    assert plus_plus(HyperbolicSpace(), np.ones((9, 2)), np.ones(9), 3, rng).shape == (3, 2)


def test_draws_follow_squared_distances(rng):
    codes = np.array([[0.0], [1.0], [3.0]])
    # From 0: 1 and 9 parts. Two draws are made and the better kept, which is always the farther.
    second = [
        plus_plus(FlatSpace(np.zeros(1)), codes, np.array([1.0, 1e-9, 1e-9]), 2, rng)[1, 0]
        for _ in range(400)
    ]
    assert np.mean(np.array(second) == 1.0) == pytest.approx(0.1**2, abs=0.03)


def test_farthest_are_far_from_each_other_too():
    codes = np.array([[0.0, 0.0], [3.0, 0.0], [3.1, 0.0], [0.0, 2.0]])
    space = HyperbolicSpace()
    squared = squared_distances(space, codes, codes[:1])[0]
    np.testing.assert_array_equal(farthest(space, codes, squared, 2), codes[[2, 3]])
