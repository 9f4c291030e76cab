"""Features of small neighbourhoods."""

import numpy as np
import pytest
from benchmarks.quality.methods.picket import (
    _FREQUENCIES,
    gabor_magnitudes,
    half_space,
    spectrum_magnitudes,
)

SHAPE = (20, 20, 20)
MIDDLE = np.ravel_multi_index((10, 9, 11), SHAPE)


def test_of_each_triple_and_its_negative_there_is_one():
    triples = half_space(_FREQUENCIES)
    assert len(triples) == (5**3 + 1) // 2
    either = set(triples) | {tuple(-part for part in one) for one in triples}
    assert len(either) == 5**3


@pytest.mark.parametrize("frequency", [(0.4, 0.0, 0.0), (0.2, -0.2, 0.4), (0.0, 0.4, -0.2)])
def test_a_wave_excites_the_gabor_filter_of_its_frequency_most(frequency):
    wave = np.cos(2 * np.pi * np.tensordot(frequency, np.indices(SHAPE), axes=1))
    responses = gabor_magnitudes(wave.astype(np.float32))[:, MIDDLE]
    assert half_space(_FREQUENCIES)[responses.argmax()] == frequency
    # Half of the cosine, and what the filter sees of the other half across the Nyquist frequency.
    assert responses.max() == pytest.approx(0.5, abs=0.16)


def test_a_gabor_filter_is_a_gaussian_times_a_wave():
    point = np.zeros(SHAPE, np.float32)
    point.flat[MIDDLE] = 1.0
    away = np.ravel_multi_index((12, 9, 11), SHAPE)
    for row in gabor_magnitudes(point)[1:]:
        assert row[away] / row[MIDDLE] == pytest.approx(np.exp(-(2**2) / (2 * 1.25**2)), rel=0.03)


def test_gabor_responses_keep_the_sign_of_grey():
    dark = gabor_magnitudes(np.full(SHAPE, -3.0, np.float32))
    constant = half_space(_FREQUENCIES).index((0.0, 0.0, 0.0))
    np.testing.assert_allclose(dark[constant], -3.0, rtol=1e-5)


def test_spectra_are_those_of_numpy():
    channel = np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    expected = np.fft.fftn(channel[8:13, 7:12, 9:14])
    found = spectrum_magnitudes(channel)[:, MIDDLE]
    for value, wave in zip(found, half_space([-2, -1, 0, 1, 2]), strict=True):
        if any(wave):
            assert value == pytest.approx(abs(expected[wave]), rel=1e-3)
        else:
            assert value == pytest.approx(expected[0, 0, 0].real, rel=1e-3)
