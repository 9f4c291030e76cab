"""Masks, filters and other voxels for averaged maps."""

import numpy as np
import pytest
import torch
from scattered_molecules import molecule

from gyrovox.particles.averaging.map_filters import (
    filtered,
    resampled,
    resolved_frequency,
    soft_ball,
)
from gyrovox.tomography.fourier_shell import FourierShellCorrelation


def curve(values):
    count = len(values)
    return FourierShellCorrelation(
        frequencies=np.arange(count) / (2 * (count - 1)),
        correlations=np.array(values, np.float64),
        counts=np.ones(count),
    )


def test_a_ball_is_one_inside_and_nothing_outside():
    ball = soft_ball(20, 6.0)
    distance = np.linalg.norm(np.indices((20,) * 3) - 10, axis=0)
    assert (ball[distance < 4.4] == 1).all()
    assert (ball[distance > 7.6] == 0).all()
    np.testing.assert_allclose(ball[distance == 6], 0.5, atol=1e-6)


def test_the_first_crossing_counts_even_if_the_curve_comes_back():
    assert resolved_frequency(curve([1, 0.9, 0.5, 0.1, 0.3, 0.0]), 0.3) == pytest.approx(0.25)
    assert resolved_frequency(curve([0.0, 0.9, 0.8]), 0.5) == 0.5, "shell 0 says nothing"
    assert resolved_frequency(curve([1, 0.4, 0.1]), 0.5) == pytest.approx(0.25 * 0.5 / 0.6)


def test_a_filter_weighs_by_what_the_halves_agree_on():
    box = torch.from_numpy(molecule(16))
    as_it_was = filtered(box, curve(np.ones(9)))
    radius = np.linalg.norm(
        np.meshgrid(np.fft.fftfreq(16), np.fft.fftfreq(16), np.fft.fftfreq(16), indexing="ij"),
        axis=0,
    )
    before, after = np.fft.fftn(molecule(16)), np.fft.fftn(as_it_was.numpy())
    np.testing.assert_allclose(after[radius <= 0.5], before[radius <= 0.5], atol=2e-3)
    half = np.fft.fftn(filtered(box, curve([1, 1, 1 / 3, 0.1, 0, 0, 0, 0, 0])).numpy())
    # √(2 / 3 / (4 / 3)) at the third shell, nothing from where 0.143 is crossed.
    assert abs(half[2, 0, 0] / before[2, 0, 0]) == pytest.approx(np.sqrt(0.5), abs=1e-3)
    np.testing.assert_allclose(half[radius > 0.19], 0, atol=1e-3)


def test_a_map_keeps_its_centre_on_other_voxels():
    fine = molecule(32)
    np.testing.assert_allclose(resampled(fine, 1.0, 16), fine[8:24, 8:24, 8:24], atol=1e-5)
    coarse = resampled(fine, 2.0, 16)
    weight = coarse / coarse.sum()
    centres = [np.tensordot(weight, np.arange(16) - 8, ((axis,), (0,))).sum() for axis in range(3)]
    expected = [
        np.tensordot(fine / fine.sum(), np.arange(32) - 16, ((axis,), (0,))).sum() / 2
        for axis in range(3)
    ]
    np.testing.assert_allclose(centres, expected, atol=0.02)
