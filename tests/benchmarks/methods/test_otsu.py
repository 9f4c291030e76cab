"""Otsu's thresholds of several classes."""

import numpy as np
import pytest
from benchmarks.quality.methods.otsu import multi_otsu
from skimage.filters import threshold_multiotsu


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_thresholds_are_those_of_scikit_image(classes):
    chance = np.random.default_rng(0)
    values = np.concatenate([chance.normal(mean, 0.6, 500) for mean in (0, 2, 5, 9)])
    found = multi_otsu(values, classes)
    # Theirs is the middle of the last bin below, ours its edge.
    bin_width = np.ptp(values) / 256
    np.testing.assert_allclose(found, threshold_multiotsu(values, classes), atol=0.51 * bin_width)


def test_eight_separate_values_are_told_apart():
    values = np.repeat(np.arange(8.0), 5)
    np.testing.assert_array_equal(np.digitize(values, multi_otsu(values, 8)), values)


def test_of_fewer_values_there_are_fewer_classes():
    values = np.array([0.0, 0.0, 1.0])
    assert len(np.unique(np.digitize(values, multi_otsu(values, 4)))) == 2
