"""Counts of a detector."""

import numpy as np
import pytest

from gyrovox.tomography.simulation.detector import Detector

DETECTOR = Detector(efficiency=(0.9, 0.5), transfer_at_nyquist=0.7)


def spectrum(images):
    """Mean power by frequency along u, of images without mean."""
    images = images - images.mean(axis=(1, 2), keepdims=True)
    return (np.abs(np.fft.rfft2(images)) ** 2).mean(axis=0)[0]


def test_even_light_is_counted_with_the_efficiency_at_frequency_0():
    counts = DETECTOR.counts(np.full((16, 20), 500.0), None)
    np.testing.assert_allclose(counts, 450.0)


def test_a_wave_at_nyquist_keeps_the_transfer_there():
    wave = 500 + 10 * (-1.0) ** np.arange(32)[None] * np.ones((16, 1))
    counts = DETECTOR.counts(wave, None)
    assert np.ptp(counts) / 2 == pytest.approx(0.9 * 0.7 * 10)


def test_drawn_counts_are_whole_and_have_the_mean_and_noise_of_electrons():
    generator = np.random.default_rng(0)
    even = np.full((32, 32), 400.0)
    drawn = np.stack([DETECTOR.counts(even, generator) for _ in range(60)])
    assert (drawn == np.rint(drawn)).all()
    assert drawn.mean() == pytest.approx(360.0, rel=2e-3)
    # At low frequencies electrons are independent: the power is their number.
    assert spectrum(drawn)[1] / even.size == pytest.approx(360.0, rel=0.3)


def test_the_signal_to_noise_ratio_falls_as_the_dqe_says():
    """Signal² / noise at Nyquist's frequency, against that of a perfect detector."""
    generator = np.random.default_rng(1)
    wave = 400 + 20 * (-1.0) ** np.arange(32)[None] * np.ones((32, 1))
    signal = np.ptp(DETECTOR.counts(wave, None)) / 2
    even = np.full((32, 32), 400.0)
    drawn = np.stack([DETECTOR.counts(even, generator) for _ in range(200)])
    noise = (np.abs(np.fft.fft2(drawn)) ** 2).mean(axis=0)[:5, 16].mean() / even.size
    perfect = 20.0**2 / 400
    assert signal**2 / noise / perfect == pytest.approx(0.5, rel=0.15)
