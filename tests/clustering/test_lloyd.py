import numpy as np
import pytest
import torch

from gyrovox.clustering.lloyd import Lloyd, Threads, assign, squared_distances, threads
from gyrovox.clustering.space import FlatSpace, HyperbolicSpace
from gyrovox.geometry.codes import distance
from gyrovox.geometry.lorentz import lift, lower


@pytest.fixture
def codes(seed):
    return np.random.default_rng(seed).normal(size=(30_000, 2))


def plain_step(codes, centres, weights):
    """A Lloyd iteration in so many words: distances, argmin, weighted Lorentz sums."""
    points = torch.from_numpy(codes)
    far = torch.stack([distance(points, centre) for centre in torch.from_numpy(centres)], 1)
    nearest, labels = far.min(dim=1)
    pull = torch.from_numpy(weights) * nearest / torch.sinh(nearest)
    moved = []
    for label in range(len(centres)):
        members = labels == label
        total = (pull[members, None] * lift(points[members])).sum(0)
        moved.append(lower(total / (total[-1] ** 2 - total[:-1].square().sum()).sqrt()))
    return torch.stack(moved).numpy(), float((torch.from_numpy(weights) * nearest**2).sum())


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-4), (np.float64, 1e-9)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_is_what_it_says(dtype, rtol, weighted, codes):
    weights = np.random.default_rng(3).random(len(codes)) + 0.1 if weighted else None
    centres = codes[:7] / 2
    step = Lloyd(HyperbolicSpace(), codes.astype(dtype), weights, Threads(1)).step(centres)
    ones = np.ones(len(codes)) if weights is None else weights
    expected, inertia = plain_step(codes, centres, ones)
    np.testing.assert_allclose(step.centres, expected, rtol=rtol, atol=rtol)
    assert step.inertia == pytest.approx(inertia, rel=rtol)
    assert not step.empty.any()


def test_an_empty_cluster_is_said_and_stays(codes):
    centres = np.array([[0.0, 0.0], [0.0, 0.0], [1.5, 0.0]])
    for space in (HyperbolicSpace(), FlatSpace(np.zeros(2))):
        step = Lloyd(space, codes, None, Threads(1)).step(centres)
        assert step.empty.tolist() == [False, True, False]
        np.testing.assert_array_equal(step.centres[1], centres[1])


def test_ties_go_to_the_first():
    codes = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    centres = np.array([[0.5, 0.0], [-0.5, 0.0]])
    for space in (HyperbolicSpace(), FlatSpace(np.zeros(2))):
        labels, _ = assign(space, codes, centres, Threads(1))
        assert labels.tolist() == [0, 0, 1]


def test_threads_change_nothing(codes):
    found = []
    for count in (1, 4):
        with threads(count) as workers:
            found.append(Lloyd(HyperbolicSpace(), codes, None, workers).step(codes[:64]))
    np.testing.assert_array_equal(found[0].centres, found[1].centres)
    assert found[0].inertia == found[1].inertia


def test_distances_far_out_agree_with_geometry(codes):
    far = codes[:100] * 20
    found = squared_distances(HyperbolicSpace(), far, far[:5])
    expected = [
        distance(torch.from_numpy(far), m).square().numpy() for m in torch.from_numpy(far[:5])
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
