"""A network runs over a volume tile by tile as it would over the whole."""

import numpy as np
import pytest
import torch
from benchmarks.quality.networks.dense_encoding import as_points, at_every_voxel
from scipy import ndimage
from torch import nn

CPU = torch.device("cpu")
VOXELS = np.random.default_rng(0).standard_normal((2, 9, 11, 13)).astype(np.float32)


@pytest.mark.parametrize("tile", [4, 5, 48])
def test_a_mean_filter_is_that_of_scipy(tile):
    network = nn.AvgPool3d((3, 3, 5), stride=1)
    found = at_every_voxel(network, VOXELS, (3, 3, 5), CPU, tile=tile)
    expected = ndimage.uniform_filter(VOXELS, (1, 3, 3, 5), mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_points_are_features_of_voxels_in_order():
    points = as_points(VOXELS)
    assert points.shape == (9 * 11 * 13, 2)
    np.testing.assert_array_equal(points[(3 * 11 + 4) * 13 + 5], VOXELS[:, 3, 4, 5])
