"""Mixtures of noise and spikes, and intervals that hold what they promise."""

import numpy as np
import pytest
from scipy.stats import norm

from gyrovox.particles.spikes.mixture import PeakMixture, counted, fit_mixture


def drawn(generator, *, spikes=(25, 30, 20), noise=90, apart=4.0, slope=0.0, decoys=300):
    """Scores, latitudes and owners of the peaks of virions; scores of decoys; numbers of spikes."""
    scores, latitudes, owners = [], [], []
    for virion, count in enumerate(spikes):
        latitude = generator.uniform(-1, 1, count + noise) ** 2
        mean = np.where(np.arange(count + noise) < count, apart + slope * latitude, 0.0)
        scores.append(mean + generator.normal(size=count + noise))
        latitudes.append(latitude)
        owners.append(np.full(count + noise, virion))
    decoy = generator.normal(size=decoys)
    return np.concatenate(scores), np.concatenate(latitudes), np.concatenate(owners), decoy


def count(scores, latitudes, owners, decoys, *, seen, seed=0):
    mixture = fit_mixture(scores, latitudes, owners, decoys, virions=len(seen))
    return counted(mixture, scores, latitudes, owners, decoys, seen=seen, confidence=0.9, seed=seed)


def test_the_mixture_is_the_one_that_was_drawn_from():
    generator = np.random.default_rng(0)
    scores, latitudes, owners, decoys = drawn(
        generator, spikes=(400, 400), noise=1600, apart=5.0, slope=-1.5, decoys=4000
    )
    found = fit_mixture(scores, latitudes, owners, decoys, virions=2)
    assert found.noise_mean == pytest.approx(0, abs=0.06)
    assert found.spread == pytest.approx(1, abs=0.06)
    assert found.spike_mean == pytest.approx((5.0, -1.5), abs=0.25)
    np.testing.assert_allclose(found.shares, 0.2, atol=0.02)


def test_chances_are_bayes_by_scipy():
    mixture = PeakMixture(
        noise_mean=0.5, spread=1.0, spike_mean=(4.0, -1.0), shares=np.array([0.25])
    )
    scores = np.array([1.0, 2.5, 3.0, 4.0])
    latitudes = np.array([0.0, 0.3, 1.0, 0.5])
    spike = 0.25 * norm.pdf(scores, 4.0 - latitudes, 1.0)
    noise = 0.75 * norm.pdf(scores, 0.5, 1.0)
    np.testing.assert_allclose(
        mixture.chances(scores, latitudes, np.zeros(4, int)), spike / (spike + noise)
    )


def test_chances_never_fall_with_the_score():
    mixture = PeakMixture(noise_mean=0.0, spread=1.0, spike_mean=(3.0, 0.0), shares=np.array([0.2]))
    chances = mixture.chances(np.linspace(-9, 12, 400), np.zeros(400), np.zeros(400, int))
    assert (np.diff(chances) >= -1e-12).all()


def test_detectability_is_the_share_of_sure_spikes():
    mixture = PeakMixture(
        noise_mean=0.0, spread=1.0, spike_mean=(3.0, -1.0), shares=np.array([0.5])
    )
    # Both groups as wide and as many: the border lies half way.
    assert mixture.detectability(0.0) == pytest.approx(norm.sf(1.5, 3, 1), abs=0.02)
    assert mixture.detectability(1.0) == pytest.approx(norm.sf(1.0, 2, 1), abs=0.02)


def test_noise_alone_has_hardly_any_spikes():
    generator = np.random.default_rng(1)
    scores, latitudes, owners, decoys = drawn(generator, spikes=(0, 0), noise=100)
    counts = count(scores, latitudes, owners, decoys, seen=np.ones(2))
    assert (counts.estimates < 4).all()
    assert (counts.lows <= 1).all()


def test_intervals_hold_the_number_as_often_as_they_say():
    generator = np.random.default_rng(2)
    held, errors = [], []
    for _ in range(12):
        spikes = tuple(generator.integers(15, 35, 3).tolist())
        scores, latitudes, owners, decoys = drawn(generator, spikes=spikes, apart=3.5)
        counts = count(scores, latitudes, owners, decoys, seen=np.ones(3))
        held.extend((counts.lows <= spikes) & (counts.highs >= spikes))
        errors.extend(counts.estimates - spikes)
    assert 0.8 <= np.mean(held) <= 1.0
    assert abs(np.mean(errors)) < 1.0


def test_what_is_not_seen_is_as_dense_as_the_rest_and_less_sure():
    generator = np.random.default_rng(3)
    scores, latitudes, owners, decoys = drawn(generator, spikes=(15, 15), apart=6.0)
    counts = count(scores, latitudes, owners, decoys, seen=np.array([1.0, 0.5]))
    assert counts.estimates[1] == pytest.approx(2 * counts.estimates[0], rel=0.15)
    assert counts.highs[1] - counts.lows[1] > 2 * (counts.highs[0] - counts.lows[0])


def test_counts_are_the_same_for_the_same_seed():
    scores, latitudes, owners, decoys = drawn(np.random.default_rng(4))
    given = {"seen": np.ones(3)}
    one, same, other = (
        count(scores, latitudes, owners, decoys, seed=seed, **given) for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(one.highs, same.highs)
    np.testing.assert_array_equal(one.estimates, other.estimates)


def test_too_few_decoys_are_stood_for_by_the_lower_half():
    generator = np.random.default_rng(5)
    scores, latitudes, owners, _ = drawn(generator, spikes=(30,), noise=300, apart=6.0)
    found = fit_mixture(scores, latitudes, owners, np.zeros(0), virions=1)
    assert found.shares[0] == pytest.approx(30 / 330, abs=0.05)
