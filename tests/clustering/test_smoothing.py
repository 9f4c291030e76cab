import numpy as np
import pytest

from gyrovox.clustering import smooth_codes


def step_map(noise=0.1):
    codes = np.zeros((12, 12, 12, 2), np.float32)
    codes[6:, ..., 0] = 1.0
    generator = np.random.default_rng(0)
    return codes, (codes + noise * generator.standard_normal(codes.shape)).astype(np.float32)


def test_noise_goes_and_edges_stay():
    clean, noisy = step_map()
    smoothed = smooth_codes(noisy, 0.4)
    assert smoothed.shape == noisy.shape
    assert smoothed.dtype == np.float32
    assert abs(smoothed - clean).std() < 0.4 * abs(noisy - clean).std()
    gap = smoothed[6, ..., 0].mean() - smoothed[5, ..., 0].mean()
    assert gap > 0.8


def test_no_weight_changes_nothing():
    _, noisy = step_map()
    assert smooth_codes(noisy, 0.0) is noisy


def test_coordinates_do_not_mix():
    _, noisy = step_map()
    swapped = smooth_codes(np.ascontiguousarray(noisy[..., ::-1]), 0.3)
    np.testing.assert_allclose(swapped[..., ::-1], smooth_codes(noisy, 0.3), atol=1e-6)


def test_the_weight_is_relative_to_the_spread():
    _, noisy = step_map()
    np.testing.assert_allclose(
        smooth_codes(100 * noisy, 0.3), 100 * smooth_codes(noisy, 0.3), rtol=1e-3, atol=0.05
    )


def test_constant_codes_are_left_alone():
    codes = np.full((5, 5, 5, 2), 0.3, np.float32)
    assert smooth_codes(codes, 1.0) == pytest.approx(codes)
