"""Trees of regions that a user can have for nothing."""

import numpy as np
import pytest
from benchmarks.quality.simple_trees import _weighted_ward, band_variances, region_classes
from scipy.cluster.hierarchy import fcluster, linkage

SHAPE = (8, 8, 8)


def quarters():
    """Four blocks of grey values 0, 1, 10, 11."""
    z, y, _ = np.indices(SHAPE)
    return (y >= 4) + 2 * (z >= 4)


@pytest.mark.parametrize("channels", [1, 2])
def test_blocks_of_grey_values_are_found_at_two_levels(channels):
    truth = quarters()
    grey = np.array([0.0, 1.0, 10.0, 11.0])[truth]
    values = np.stack([grey, -grey][:channels], axis=-1)
    found = region_classes(values, values, (2, 4))
    for k, expected in ((4, truth), (2, truth // 2)):
        pairs = np.unique(np.stack([found[k].ravel(), expected.ravel()]), axis=1)
        assert pairs.shape[1] == k


def test_it_finds_as_many_classes_as_asked_for_though_more_than_eight():
    values = np.random.default_rng(0).random((*SHAPE, 1))
    assert len(np.unique(region_classes(values, values, (20,))[20])) == 20


def test_ward_of_weighted_points_is_that_of_as_many_equal_points():
    chance = np.random.default_rng(0)
    means, sizes = chance.standard_normal((9, 2)), chance.integers(1, 6, 9)
    repeated = np.repeat(np.arange(9), sizes)
    tree = linkage(means[repeated], method="ward")
    for classes in (2, 3, 5):
        expected = fcluster(tree, classes, criterion="maxclust")
        found = _weighted_ward(means, sizes, classes)[repeated]
        assert len(set(zip(expected.tolist(), found.tolist(), strict=True))) == classes


def test_band_variances_are_those_of_each_channel_and_standardised():
    voxels = np.random.default_rng(0).standard_normal((2, *SHAPE))
    both = band_variances(voxels)
    np.testing.assert_allclose(both[..., 3:], band_variances(voxels[1:]))
    np.testing.assert_allclose(both.mean(axis=(0, 1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(both.std(axis=(0, 1, 2)), 1)
