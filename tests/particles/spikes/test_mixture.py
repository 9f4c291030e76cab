"""Mixtures of noise and spikes, and intervals that hold what they promise."""

import numpy as np
import pytest
from scipy.stats import norm

from gyrovox.particles.spikes.mixture import (
    PeakMixture,
    Room,
    ScoredPeaks,
    counted,
    fit_mixture,
)

SEEN = {"decoy_nm2": 1e5, "footprint_nm2": 450.0}


def drawn(
    generator, *, spikes=(25, 30, 20), noise=90, apart=4.0, slope=0.0, decoys=300, others=0.0
):
    """Peaks of virions and decoys; as many other things as `others` says on 1000 nm²."""
    scores, latitudes, owners = [], [], []
    for virion, count in enumerate(spikes):
        # Virions have 50 000 nm² and decoys 100 000 nm²: so dense, others would hit spikes.
        false = generator.poisson(others * (50 - 0.45 * count))
        total = count + false + noise
        latitude = generator.uniform(-1, 1, total) ** 2
        mean = np.where(np.arange(total) < count + false, apart + slope * latitude, 0.0)
        scores.append(mean + generator.normal(size=total))
        latitudes.append(latitude)
        owners.append(np.full(total, virion))
    false = generator.poisson(others * 100)
    decoy = generator.normal(size=decoys) + apart * (np.arange(decoys) < false)
    peaks = ScoredPeaks(
        scores=np.concatenate(scores),
        latitudes=np.concatenate(latitudes),
        owners=np.concatenate(owners),
    )
    return peaks, ScoredPeaks(
        scores=decoy,
        latitudes=generator.uniform(-1, 1, decoys) ** 2,
        owners=np.zeros(decoys, np.int64),
    )


def count(peaks, decoys, *, seen=(1.0, 1.0, 1.0), seed=0):
    seen = np.array(seen)
    mixture = fit_mixture(peaks, decoys, virions=len(seen))
    room = Room(seen=seen, areas_nm2=5e4 * seen, **SEEN)
    return counted(mixture, peaks, decoys, room, confidence=0.9, seed=seed)


def peaks_at(scores, latitudes):
    return ScoredPeaks(scores=scores, latitudes=latitudes, owners=np.zeros(len(scores), np.int64))


def test_the_mixture_is_the_one_that_was_drawn_from():
    generator = np.random.default_rng(0)
    peaks, decoys = drawn(
        generator, spikes=(400, 400), noise=1600, apart=5.0, slope=-1.5, decoys=4000
    )
    found = fit_mixture(peaks, decoys, virions=2)
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
        mixture.chances(peaks_at(scores, latitudes)), spike / (spike + noise)
    )


def test_chances_never_fall_with_the_score():
    mixture = PeakMixture(noise_mean=0.0, spread=1.0, spike_mean=(3.0, 0.0), shares=np.array([0.2]))
    chances = mixture.chances(peaks_at(np.linspace(-9, 12, 400), np.zeros(400)))
    assert (np.diff(chances) >= -1e-12).all()


def test_detectability_is_the_share_of_sure_spikes():
    mixture = PeakMixture(
        noise_mean=0.0, spread=1.0, spike_mean=(3.0, -1.0), shares=np.array([0.5])
    )
    # Both groups as wide and as many: the border lies half way.
    assert mixture.detectability(0.0) == pytest.approx(norm.sf(1.5, 3, 1), abs=0.02)
    assert mixture.detectability(1.0) == pytest.approx(norm.sf(1.0, 2, 1), abs=0.02)


def test_noise_alone_has_hardly_any_spikes():
    peaks, decoys = drawn(np.random.default_rng(1), spikes=(0, 0), noise=100)
    counts = count(peaks, decoys, seen=(1.0, 1.0))
    assert (counts.estimates < 4).all()
    assert (counts.lows <= 1).all()


@pytest.mark.parametrize("others", [0.0, 0.1])
def test_intervals_hold_the_number_as_often_as_they_say(others):
    generator = np.random.default_rng(2)
    held, errors = [], []
    for _ in range(12):
        spikes = np.array(generator.integers(15, 35, 3))
        peaks, decoys = drawn(generator, spikes=spikes.tolist(), apart=4.0, others=others)
        counts = count(peaks, decoys)
        held.extend((counts.lows <= spikes) & (counts.highs >= spikes))
        errors.extend(counts.estimates - spikes)
    assert np.mean(held) >= 0.8
    assert abs(np.mean(errors)) < 1.2


def test_spikes_that_noise_hides_are_not_ruled_out():
    hidden, decoys = drawn(np.random.default_rng(8), spikes=(15,), noise=60, apart=1.5)
    counts = count(hidden, decoys, seen=(1.0,))
    assert counts.highs[0] >= 8
    assert counts.lows[0] <= 3


def test_what_floats_beside_the_decoys_is_taken_off():
    generator = np.random.default_rng(6)
    peaks, decoys = drawn(generator, spikes=(20, 20, 20), apart=6.0, others=0.2)
    without = peaks_at(np.random.default_rng(0).normal(size=300), np.zeros(300))
    # Some ten of the peaks are others; decoys without any leave them in.
    assert count(peaks, without).estimates.mean() > 26
    assert count(peaks, decoys).estimates.mean() == pytest.approx(20, abs=3)


def test_what_is_not_seen_is_as_dense_as_the_rest_and_less_sure():
    peaks, decoys = drawn(np.random.default_rng(3), spikes=(15, 15), apart=6.0)
    counts = count(peaks, decoys, seen=(1.0, 0.5))
    assert counts.estimates[1] == pytest.approx(2 * counts.estimates[0], rel=0.15)
    assert counts.highs[1] - counts.lows[1] > 2 * (counts.highs[0] - counts.lows[0])


def test_counts_are_the_same_for_the_same_seed():
    peaks, decoys = drawn(np.random.default_rng(4))
    one, same, other = (count(peaks, decoys, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.highs, same.highs)
    np.testing.assert_array_equal(one.estimates, other.estimates)


def test_too_few_decoys_are_stood_for_by_the_lower_half():
    generator = np.random.default_rng(5)
    peaks, _ = drawn(generator, spikes=(30,), noise=300, apart=6.0)
    found = fit_mixture(peaks, peaks_at(np.zeros(0), np.zeros(0)), virions=1)
    assert found.shares[0] == pytest.approx(30 / 330, abs=0.07)
