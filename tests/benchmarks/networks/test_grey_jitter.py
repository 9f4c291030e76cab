"""Changes of grey values are within the bounds asked for."""

import torch
from benchmarks.quality.networks.grey_jitter import GreyJitter

CROPS = torch.randn(200, 2, 3, 3, 3, generator=torch.Generator().manual_seed(0))


def test_no_change_is_none():
    torch.testing.assert_close(GreyJitter(0, 0, 0).of(CROPS), CROPS)


def test_contrast_is_one_factor_for_each_channel_of_a_crop():
    factor = GreyJitter(0.2, 0, 0).of(CROPS) / CROPS
    torch.testing.assert_close(factor.amax((2, 3, 4)), factor.amin((2, 3, 4)))
    each = factor[:, :, 0, 0, 0]
    assert 0.8 <= each.min() < 0.83
    assert 1.17 < each.max() <= 1.2001
    assert not torch.allclose(each[:, 0], each[:, 1])


def test_brightness_is_one_summand():
    summand = (GreyJitter(0, 0.3, 0).of(CROPS) - CROPS)[:, :, 0, 0, 0]
    assert -0.3001 <= summand.min() < -0.27
    assert 0.27 < summand.max() <= 0.3001


def test_noise_has_its_deviation():
    noise = GreyJitter(0, 0, 0.5).of(CROPS) - CROPS
    assert abs(noise.std() - 0.5) < 0.02
