"""Counts of picks beside the truth, and the threshold that is best by them."""

import itertools

import numpy as np
import pytest

from gyrovox.errors import ParticleError
from gyrovox.particles.picking.picks_beside_truth import (
    PickCounts,
    above,
    best_threshold,
    counted_picks,
)
from gyrovox.volumes import ParticleTable


def table(positions, *, size=2.0, scores=None, diameter=None):
    places = np.array(positions, float).reshape(-1, 3)
    return ParticleTable(
        positions=places,
        shape=(50, 50, 50),
        voxel_size_nm=size,
        scores=None if scores is None else np.array(scores, float),
        diameters_nm=None if diameter is None else np.full(len(places), float(diameter)),
    )


def test_a_pick_within_half_the_radius_is_a_hit():
    truth = table([[10, 10, 10]], diameter=40)  # half a radius is 10 nm, 5 voxels
    assert counted_picks(table([[10, 10, 14.9]]), truth) == PickCounts(1, 1, 1)
    assert counted_picks(table([[10, 10, 15.1]]), truth) == PickCounts(0, 1, 1)
    assert counted_picks(table([[10, 10, 15.1]]), truth, within=1.0) == PickCounts(1, 1, 1)
    # And in nm, whatever the voxels of either are.
    assert counted_picks(table([[20, 20, 29.8]], size=1.0), truth) == PickCounts(1, 1, 1)


def test_a_particle_is_hit_once():
    truth = table([[10, 10, 10]], diameter=40)
    assert counted_picks(table([[10, 10, 10], [10, 10, 11]]), truth) == PickCounts(1, 2, 1)


def most_hits(picks, truth, within):
    """Of all ways to give particles to picks, by trying them."""
    reach = truth.diameters_nm / 2 * within
    best = 0
    for chosen in itertools.permutations(range(len(picks)), len(truth)):
        gaps = np.linalg.norm(picks.positions_nm[list(chosen)] - truth.positions_nm, axis=1)
        best = max(best, int((gaps <= reach).sum()))
    return best


@pytest.mark.parametrize("seed", range(5))
def test_as_many_hits_are_counted_as_there_can_be(seed):
    generator = np.random.default_rng(seed)
    picks = table(generator.uniform(0, 6, (6, 3)))
    truth = table(generator.uniform(0, 6, (4, 3)), diameter=24)
    found = counted_picks(picks, truth)
    assert found.hits == most_hits(picks, truth, 0.5)
    assert found.hits > 0


def test_precision_recall_and_f1():
    counts = PickCounts(6, 8, 12)
    assert (counts.precision, counts.recall) == (0.75, 0.5)
    assert counts.f1 == pytest.approx(2 / (1 / 0.75 + 1 / 0.5))
    assert counts + PickCounts(1, 2, 3) == PickCounts(7, 10, 15)
    assert PickCounts().f1 == 1
    assert PickCounts(picks=3).precision == 0


def test_the_best_threshold_parts_hits_from_others():
    truth = table([[10, 10, 10], [30, 30, 30]], diameter=40)
    picks = table([[10, 10, 10], [30, 30, 30], [45, 5, 5]], scores=[0.9, 0.6, 0.2])
    threshold, counts = best_threshold([(picks, truth)])
    assert threshold == pytest.approx(0.4)
    assert counts == PickCounts(2, 2, 2)
    assert len(above(picks, threshold)) == 2


def test_of_thresholds_that_are_as_good_the_middle_is_taken():
    truth = table([[10, 10, 10], [30, 30, 30]], diameter=40)
    # Without the lowest hit and without the wrong pick F1 is the same: 0.8 with 3, 2 and 2 with 2.
    picks = table([[10, 10, 10], [45, 5, 5], [30, 30, 30], [5, 45, 5]], scores=[0.9, 0.6, 0.5, 0.1])
    threshold, counts = best_threshold([(picks, truth)])
    assert counts == PickCounts(2, 3, 2)
    assert threshold == pytest.approx((0.1 + 0.5) / 2)
    alike = table([[10, 10, 10], [12, 10, 10], [30, 30, 30]], scores=[0.9, 0.7, 0.3])
    same, _ = best_threshold([(alike, table([[10, 10, 10]], diameter=40))])
    assert same == pytest.approx((0.7 + 0.9) / 2)


def test_picks_need_scores_and_truths_diameters():
    plain = table([[1, 1, 1]])
    with pytest.raises(ParticleError, match="must have diameters"):
        counted_picks(plain, plain)
    with pytest.raises(ParticleError, match="must have scores"):
        above(plain, 0.5)
    with pytest.raises(ParticleError, match="needs picks with scores"):
        best_threshold([(plain, table([[1, 1, 1]], diameter=4))])
