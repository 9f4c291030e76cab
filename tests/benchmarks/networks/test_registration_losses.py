import numpy as np
import pytest
import torch
from benchmarks.quality.networks.registration_losses import local_correlation, roughness


def test_an_image_correlates_with_itself_in_any_grey_values():
    image = torch.randn(1, 2, 9, 10, 11)
    assert local_correlation(image, 3 - 2 * image, window=5).item() == pytest.approx(1, abs=1e-3)


def test_noise_does_not_correlate_with_other_noise():
    found = local_correlation(
        torch.randn(1, 1, 20, 20, 20), torch.randn(1, 1, 20, 20, 20), window=9
    )
    assert found.item() < 0.01


def test_windows_agree_with_numpy_at_the_faces_too():
    one, other = torch.randn(1, 1, 4, 5, 6), torch.randn(1, 1, 4, 5, 6)
    squares = []
    for place in np.ndindex(4, 5, 6):
        window = tuple(slice(max(0, index - 1), index + 2) for index in place)
        parts = [image[0, 0].numpy()[window].ravel() for image in (one, other)]
        squares.append(np.corrcoef(*parts)[0, 1] ** 2)
    found = local_correlation(one, other, window=3)
    assert found.item() == pytest.approx(np.mean(squares), rel=1e-3)


def test_a_constant_field_is_smooth_and_a_ramp_is_as_rough_as_it_is_steep():
    assert roughness(torch.full((1, 3, 4, 5, 6), 2.0)).item() == 0
    ramp = 3.0 * torch.arange(6.0).expand(1, 1, 4, 5, 6)
    assert roughness(ramp).item() == pytest.approx(9 / 3)


def test_a_jump_between_regions_counts_nothing():
    regions = torch.zeros(1, 1, 4, 6, 4)
    regions[:, :, :, 3:] = 5
    field = 10 * regions.expand(1, 2, 4, 6, 4)
    assert roughness(field).item() > 1
    assert roughness(field, regions).item() == 0
