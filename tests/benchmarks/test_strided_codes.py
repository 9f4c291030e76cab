"""Codes at every n-th voxel are those that the package computes at every voxel."""

import numpy as np
import pytest
import torch
from benchmarks.quality.strided_codes import stride_for, strided_codes

from gyrovox.inference import embed_patchwise
from gyrovox.models import HyperbolicVAE
from gyrovox.settings import configuration

SHAPE = (7, 9, 8)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return HyperbolicVAE(configuration("paper").model, in_channels=2).eval().encoder


@pytest.fixture(scope="module")
def voxels():
    return np.random.default_rng(0).standard_normal((2, *SHAPE)).astype(np.float32)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_at_the_voxels_of_the_grid_they_are_the_package_s(encoder, voxels, stride):
    every = embed_patchwise(encoder, torch.from_numpy(voxels), side=5).numpy()
    found = strided_codes(encoder, voxels, side=5, stride=stride, device=CPU)
    assert found.shape == every.shape
    on_grid = (slice(None, None, stride),) * 3
    np.testing.assert_allclose(found[on_grid], every[on_grid], atol=1e-5)


def test_between_two_of_them_they_are_the_mean(encoder, voxels):
    found = strided_codes(encoder, voxels, side=5, stride=2, device=CPU)
    np.testing.assert_allclose(found[1], (found[0] + found[2]) / 2, atol=1e-6)


def test_the_stride_is_the_smallest_that_there_is_time_for():
    assert stride_for((50, 50, 50), 125_000) == 1
    assert stride_for((50, 50, 50), 124_999) == 2
    assert stride_for((50, 50, 50), 25**3 - 1) == 3
