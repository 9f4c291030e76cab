import numpy as np
import pytest

from gyrovox.patches import normalise


@pytest.fixture
def voxels():
    return np.random.default_rng(0).normal(5, 3, (2, 20, 20, 20)).astype(np.float32)


def test_every_channel_has_mean_0_and_deviation_1(voxels):
    voxels[1] *= 1e4
    found = normalise(voxels)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((1, 2, 3)), 1, atol=1e-5)


def test_brightness_and_contrast_do_not_matter(voxels):
    np.testing.assert_allclose(normalise(3 * voxels + 7), normalise(voxels), atol=1e-4)


def test_the_order_of_the_voxels_is_kept(voxels):
    found = normalise(voxels)
    for before, after in zip(voxels, found, strict=True):
        assert (np.diff(after.ravel()[np.argsort(before.ravel())]) >= 0).all()


def test_a_hot_voxel_does_not_squeeze_the_others(voxels):
    hot = voxels.copy()
    hot[0, 3, 3, 3] = 1e6
    difference = np.abs(normalise(hot) - normalise(voxels))
    difference[0, 3, 3, 3] = 0
    assert difference.max() < 0.02


def test_the_volume_is_left_as_it_was(voxels):
    before = voxels.copy()
    normalise(voxels)
    assert np.array_equal(voxels, before)


def test_a_channel_of_few_voxels_that_differ_is_standardised():
    voxels = np.zeros((1, 30, 30, 30), dtype=np.float32)
    voxels[0, 5, 5, 5:8] = 4.0  # fewer than a thousandth
    found = normalise(voxels)
    assert len(np.unique(found)) == 2
    np.testing.assert_allclose(found.std(), 1, atol=1e-4)


def test_a_constant_channel_is_0():
    assert not normalise(np.full((1, 4, 4, 4), 7.0, dtype=np.float32)).any()


def test_large_values_lose_nothing():
    # Sums of squares of such values overflow float32's 24 bits.
    counts = np.random.default_rng(0).normal(3e4, 5.0, (1, 40, 40, 40)).astype(np.float32)
    np.testing.assert_allclose(normalise(counts).std(), 1, atol=1e-3)
