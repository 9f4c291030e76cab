"""What spikes look like is learned from peaks without labels."""

import numpy as np
import pytest

from gyrovox.particles.spikes.appearance import scored_by_density, scored_by_profile
from gyrovox.particles.spikes.mixture import ScoredPeaks


def profiles(generator, *, spikes=60, others=25, noise=200, decoys=400, dim=12):
    """Spikes and other dense things alike in their mean, not in their shape; and noise."""
    shape = np.where(np.arange(dim) % 2 == 0, 1.6, 0.2)
    other = np.where(np.arange(dim) % 2 == 0, 0.2, 1.6)
    rows = np.concatenate([
        shape + generator.normal(size=(spikes, dim)),
        other + generator.normal(size=(others, dim)),
        generator.normal(size=(noise, dim)),
    ])
    false = generator.normal(size=(decoys, dim))
    false[: decoys // 10] += other
    return rows, false


def by_density(rows, decoys):
    """Scored by the means of profiles, on three virions."""
    peaks, noise = (
        ScoredPeaks(
            scores=one.mean(axis=1),
            latitudes=np.random.default_rng(1).uniform(-1, 1, len(one)) ** 2,
            owners=np.arange(len(one)) % 3,
        )
        for one in (rows, decoys)
    )
    return scored_by_density(peaks, noise, virions=3)


@pytest.fixture
def drawn():
    rows, decoys = profiles(np.random.default_rng(0))
    return rows, decoys, by_density(rows, decoys)


def area_under(scores, is_spike):
    return (scores[is_spike][:, None] > scores[~is_spike]).mean()


def test_the_shape_tells_spikes_from_what_is_as_dense(drawn):
    rows, decoys, first = drawn
    learned = scored_by_profile(rows, decoys, first=first, seed=0)
    is_spike = np.arange(len(rows)) < 60
    assert area_under(first.candidates.scores, is_spike) < 0.96
    assert area_under(learned.candidates.scores, is_spike) > 0.98
    chances = learned.mixture.chances(learned.candidates)
    assert chances.sum() == pytest.approx(60, abs=8)


def test_a_start_decides_which_of_two_kinds_is_learned(drawn):
    rows, decoys, _ = drawn
    others = np.zeros(len(rows))
    others[60:85] = 1.0
    # Decoys of the other kind would speak against it.
    plain = by_density(rows, decoys[40:])
    learned = scored_by_profile(rows, decoys[40:], first=plain, start=others, seed=0)
    is_other = others > 0
    assert area_under(learned.candidates.scores, is_other) > 0.98


def test_scores_of_noise_that_was_learned_from_stay_noise():
    generator = np.random.default_rng(3)
    rows, decoys = generator.normal(size=(150, 40)), generator.normal(size=(150, 40))
    learned = scored_by_profile(rows, decoys, first=by_density(rows, decoys), seed=0)
    # Of 150 rows of 40 numbers, a discriminant that had seen them all would tell most apart.
    chances = learned.mixture.chances(learned.candidates)
    assert (chances > 0.5).mean() < 0.3


def test_too_few_peaks_leave_the_first_scores(drawn):
    rows, decoys, _ = drawn
    few = by_density(rows[:6], decoys)
    learned = scored_by_profile(rows[:6], decoys, first=few, seed=0)
    assert learned is few


def test_scores_are_the_same_for_the_same_seed(drawn):
    rows, decoys, first = drawn
    one, same = (scored_by_profile(rows, decoys, first=first, seed=4) for _ in range(2))
    np.testing.assert_array_equal(one.candidates.scores, same.candidates.scores)
