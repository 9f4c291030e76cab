import numpy as np
import pytest
import torch

from gyrovox.errors import SettingsError
from gyrovox.tomography.reconstruction.row_filters import (
    angular_widths,
    filtered,
    padded_samples,
    row_weights,
)

TILTS = np.arange(-60.0, 61.0, 3.0)


def test_the_ramp_is_the_transform_of_its_kernel():
    weights = row_weights("ramp", TILTS, 64, thickness=1.0)
    frequency = np.fft.rfftfreq(64)
    # As sampled as the kernel is, the ramp is |k|, but for a mean that is not quite 0.
    np.testing.assert_allclose(weights[3], np.deg2rad(3) * frequency, atol=3e-4)
    assert 0 < weights[0, 0] < 3e-4


def test_hamming_lowers_high_frequencies_only():
    ramp, hamming = (row_weights(kind, TILTS, 64, thickness=1.0) for kind in ("ramp", "hamming"))
    ratio = hamming[0] / ramp[0]
    np.testing.assert_allclose(ratio[[0, -1]], [1.0, 0.08], atol=1e-12)
    assert (np.diff(ratio) < 0).all()


def test_the_exact_filter_is_a_ramp_between_images_that_overlap_and_images_that_do_not():
    weights = row_weights("exact", TILTS, 512, thickness=100.0)
    ramp = row_weights("ramp", TILTS, 512, thickness=100.0)
    middle = slice(20, 80)  # many neighbours overlap, none is missing
    np.testing.assert_allclose(weights[20, middle], ramp[20, middle], rtol=0.15)
    # Beyond 1 / (D sin 3°), an image is alone.
    np.testing.assert_allclose(weights[20, 120:], 1 / 100)
    # At 0, all have seen the same.
    np.testing.assert_allclose(weights[:, 0], 1 / (100 * len(TILTS)))


def test_the_exact_filter_agrees_with_its_sum():
    tilts = np.array([-20.0, 0.0, 7.0])
    found = row_weights("exact", tilts, 40, thickness=12.0)
    for i, k in [(0, 3), (1, 5), (2, 11)]:
        overlaps = [
            max(0, 1 - 12 * k / 40 * abs(np.sin(np.deg2rad(tilts[i] - other)))) for other in tilts
        ]
        assert found[i, k] == pytest.approx(1 / (12 * sum(overlaps)))


def test_tilts_stand_for_the_angle_around_them():
    widths = angular_widths(np.array([10.0, -10.0, 0.0, 30.0]))
    np.testing.assert_allclose(np.rad2deg(widths), [15.0, 10.0, 10.0, 20.0])
    np.testing.assert_allclose(np.rad2deg(angular_widths(np.array([5.0]))), 180.0)
    doubled = np.rad2deg(angular_widths(np.array([0.0, 0.0, 10.0])))
    np.testing.assert_allclose(doubled, [5.0, 5.0, 10.0])


def test_rows_are_convolved_with_the_kernel():
    row = torch.zeros(2, 33, dtype=torch.float64)
    row[0, 16] = 1.0
    weights = row_weights("ramp", np.array([0.0]), padded_samples(33), thickness=1.0)[0] / np.pi
    found = filtered(row, weights)
    distance = np.arange(33) - 16
    kernel = np.where(distance % 2, -1 / (np.pi * np.where(distance, distance, 1)) ** 2, 0.0)
    kernel[16] = 0.25
    np.testing.assert_allclose(found[0], kernel, atol=1e-12)
    assert not found[1].any()


def test_finer_samples_go_through_the_pixels():
    row = torch.randn(3, 20, dtype=torch.float64)
    weights = row_weights("hamming", np.array([0.0]), padded_samples(20), thickness=1.0)[0]
    coarse, fine = (filtered(row, weights, samples_per_pixel=n) for n in (1, 2))
    assert fine.shape == (3, 40)
    # The frequency of Nyquist itself has no phase, and is all that may differ.
    np.testing.assert_allclose(fine[:, ::2], coarse, atol=2e-2 * coarse.abs().max())


def test_a_level_row_stays_without_edges():
    weights = row_weights("ramp", np.array([0.0]), padded_samples(30), thickness=1.0)[0]
    found = filtered(torch.full((1, 30), 5.0), weights)
    assert found.abs().max() < 0.02 * 5


def test_wrong_settings_are_refused():
    with pytest.raises(SettingsError, match="thickness must be above 0 pixels, got 0"):
        row_weights("exact", TILTS, 16, thickness=0.0)
