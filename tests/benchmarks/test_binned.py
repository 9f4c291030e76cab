"""Volumes made smaller, and labels brought back."""

import numpy as np
import pytest
from benchmarks.quality.binned import Binned


def test_what_is_small_enough_stays_as_it_is():
    voxels = np.random.default_rng(0).random((2, 3, 4, 5))
    small = Binned(voxels, 60)
    assert small.factor == 1
    assert small.voxels is voxels


@pytest.mark.parametrize("shape", [(8, 8, 8), (7, 9, 10), (1, 13, 20)])
@pytest.mark.parametrize("most", [100, 30])
def test_it_has_no_more_voxels_than_asked_for_and_labels_come_back_to_their_shape(shape, most):
    small = Binned(np.zeros((1, *shape)), most)
    assert small.voxels[0].size <= most
    labels = np.arange(small.voxels[0].size).reshape(small.voxels.shape[1:])
    whole = small.whole({2: labels})[2]
    assert whole.shape == shape
    at = tuple(np.indices(shape) // small.factor)
    np.testing.assert_array_equal(whole, labels[at])


def test_a_cube_has_the_mean_of_its_voxels():
    voxels = np.random.default_rng(0).random((1, 4, 6, 4))
    small = Binned(voxels, 12)
    assert small.factor == 2
    np.testing.assert_allclose(small.voxels[0, 1, 2, 0], voxels[0, 2:4, 4:6, :2].mean(), rtol=1e-6)
