from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from gyrovox.clustering import lloyd
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


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 5e-4), (np.float64, 1e-9)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_codes_that_change_clusters_are_followed(dtype, rtol, weighted, codes, monkeypatch):
    monkeypatch.setattr(lloyd, "_BLOCK_VALUES", 1 << 14)  # several blocks
    weights = np.random.default_rng(3).random(len(codes)) + 0.1 if weighted else None
    ones = np.ones(len(codes)) if weights is None else weights
    iterations = Lloyd(HyperbolicSpace(), codes.astype(dtype), weights, Threads(1))
    centres = codes[:9] / 3
    for turn in range(8):
        if turn == 5:  # most codes change at once, and one cluster is far from all but a few
            centres = np.vstack([-centres[::-1][:8], [[3.0, 3.0]]]) / 2
        step = iterations.step(centres)
        expected, inertia = plain_step(codes, centres, ones)
        np.testing.assert_allclose(step.centres, expected, rtol=rtol, atol=rtol)
        assert step.inertia == pytest.approx(inertia, rel=rtol)
        centres = step.centres


def test_codes_that_change_clusters_are_followed_in_flat_space(codes):
    iterations = Lloyd(FlatSpace(np.zeros(2)), codes, None, Threads(1))
    centres = codes[:6] / 3
    for _ in range(5):
        labels = np.square(codes[:, None] - centres).sum(-1).argmin(axis=1)
        step = iterations.step(centres)
        expected = [codes[labels == label].mean(axis=0) for label in range(6)]
        np.testing.assert_allclose(step.centres, expected, rtol=1e-9)
        centres = step.centres


def test_another_number_of_centres_starts_anew(codes, monkeypatch):
    monkeypatch.setattr(lloyd, "_BLOCK_VALUES", 1 << 14)  # blocks of other sizes, then
    iterations = Lloyd(HyperbolicSpace(), codes, None, Threads(1))
    for count in (9, 3, 30):
        expected, _ = plain_step(codes, codes[:count] / 3, np.ones(len(codes)))
        np.testing.assert_allclose(iterations.step(codes[:count] / 3).centres, expected, rtol=1e-9)


@pytest.mark.parametrize("clusters", [5, 300])
def test_a_first_step_gives_ties_to_the_first(clusters):
    # Two clusters at every place: the second of each stays empty, also of more than a byte counts.
    places = np.repeat(np.linspace(-1, 1, clusters)[:, None], 2, axis=0)
    step = Lloyd(FlatSpace(np.zeros(1)), places, None, Threads(1)).step(places)
    np.testing.assert_array_equal(step.empty, np.arange(2 * clusters) % 2 == 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_ties_among_others_go_to_the_first(weighted, monkeypatch):
    monkeypatch.setattr(lloyd, "_BLOCK_VALUES", 1 << 14)  # several blocks
    monkeypatch.setattr(lloyd, "_TILE", 100)  # of several tiles, the last of them not full
    # Whole numbers: products and sums have no rounding, so half of the places are ties.
    codes = np.random.default_rng(0).integers(-8, 9, size=(5_001, 2)).astype(np.float32)
    weights = 2.0 ** np.random.default_rng(1).integers(0, 3, len(codes)) if weighted else None
    centres = np.array([[-4.0, 0.0], [0.0, 4.0], [4.0, 0.0], [0.0, 4.0], [0.0, -4.0]])
    squared = 4 * np.square(codes[:, None] - centres).sum(-1)
    labels = squared.argmin(axis=1)
    assert np.mean((squared == squared.min(axis=1)[:, None]).sum(axis=1) > 1) > 0.3
    ones = np.ones(len(codes)) if weights is None else weights
    step = Lloyd(FlatSpace(np.zeros(2)), codes, weights, Threads(1)).step(centres)
    expected = [
        np.average(codes[labels == label], axis=0, weights=ones[labels == label])
        for label in (0, 1, 2, 4)
    ]
    np.testing.assert_allclose(step.centres[[0, 1, 2, 4]], expected, rtol=1e-12, atol=1e-12)
    assert step.empty.tolist() == [False, False, False, True, False]
    assert step.inertia == pytest.approx(ones @ squared.min(axis=1), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_in_which_all_codes_leave_are_followed(weighted, codes, monkeypatch):
    monkeypatch.setattr(lloyd, "_BLOCK_VALUES", 1 << 14)  # several blocks
    weights = np.random.default_rng(3).random(len(codes)) + 0.1 if weighted else None
    ones = np.ones(len(codes)) if weights is None else weights
    apart = np.where(codes[:, :1] > 0, codes, codes - [[3.0, 0.0]])
    iterations = Lloyd(HyperbolicSpace(), apart, weights, Threads(1))
    centres = np.array([[0.5, 0.0], [-3.0, 0.0]])
    for _ in range(3):  # each takes all that the other had
        step = iterations.step(centres)
        expected, inertia = plain_step(apart, centres, ones)
        np.testing.assert_allclose(step.centres, expected, rtol=1e-9)
        assert step.inertia == pytest.approx(inertia, rel=1e-9)
        centres = centres[::-1].copy()


@pytest.mark.parametrize("points", [1, 15, 99, 100, 101, 250])
@pytest.mark.parametrize("space", [HyperbolicSpace(), FlatSpace(np.zeros(2))], ids=["-1", "0"])
def test_what_fills_a_tile_counts_for_nothing(space, points, codes, monkeypatch):
    whole = Lloyd(space, codes[:points], None, Threads(1)).step(codes[:2])
    monkeypatch.setattr(lloyd, "_TILE", 99)
    tiled = Lloyd(space, codes[:points], None, Threads(1)).step(codes[:2])
    np.testing.assert_allclose(tiled.centres, whole.centres, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(tiled.empty, whole.empty)
    assert tiled.inertia == pytest.approx(whole.inertia, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-60, 1e60])
def test_the_unit_of_weights_is_free(unit, codes):
    weights = np.random.default_rng(3).random(len(codes)) + 0.1
    near = codes.astype(np.float32)
    one, two = (
        Lloyd(HyperbolicSpace(), near, given, Threads(1)).step(codes[:5] / 2)
        for given in (weights, weights * unit)
    )
    np.testing.assert_allclose(one.centres, two.centres, rtol=1e-6)
    assert two.inertia == pytest.approx(one.inertia * unit, rel=1e-6)


def test_threads_change_nothing(codes, monkeypatch):
    monkeypatch.setattr(lloyd, "_BLOCK_VALUES", 1 << 14)  # enough blocks for all
    found = []
    for count in (1, 3):
        with threads(count) as workers:
            iterations = Lloyd(HyperbolicSpace(), codes, None, workers)
            step = iterations.step(iterations.step(codes[:9]).centres)
            found.append(step)
    np.testing.assert_array_equal(found[0].centres, found[1].centres)
    assert found[0].inertia == found[1].inertia


def test_torch_has_its_threads_back():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with threads(2) as workers:
            inside = workers.map(lambda _: torch.get_num_threads(), 1 << 20, 16)
            assert {torch.get_num_threads(), *inside} == {1}
        with pytest.raises(RuntimeError, match="midway"), threads(2):
            raise RuntimeError("midway")
        with ThreadPoolExecutor(1) as new:
            assert new.submit(torch.get_num_threads).result() == torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_distances_far_out_agree_with_geometry(codes):
    far = codes[:100] * 20
    found = squared_distances(HyperbolicSpace(), far, far[:5])
    expected = [
        distance(torch.from_numpy(far), m).square().numpy() for m in torch.from_numpy(far[:5])
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
