import numpy as np
import pytest
from skimage.restoration import denoise_tv_chambolle

from gyrovox.patches.total_variation import REACH, less_variation


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def energy(found, channel, weight):
    """½ ‖u − f‖² + w Σ ‖∇u‖, with differences to the next voxels."""
    slopes = [
        np.diff(found.astype(np.float64), axis=axis, append=np.take(found, [-1], axis))
        for axis in range(3)
    ]
    variation = np.sqrt(sum(slope**2 for slope in slopes)).sum()
    return ((found.astype(np.float64) - channel) ** 2).sum() / 2 + weight * variation


@pytest.mark.parametrize("shape", [(14, 15, 16), (1, 20, 21), (20, 1, 9), (3, 30, 1)], ids=str)
def test_it_is_what_another_algorithm_comes_to(shape):
    channel = noise(shape)
    channel[: shape[0] // 2] += 4
    weight = 0.6
    # skimage's stops early unless told not to; 3000 steps in float64 are as good as all.
    wanted = denoise_tv_chambolle(
        channel.astype(np.float64), weight=weight, eps=0, max_num_iter=3000
    )
    found = less_variation(channel, weight)
    assert np.sqrt(((found - wanted) ** 2).mean()) < 0.02
    least = energy(wanted, channel, weight)
    assert least <= energy(found, channel, weight) < 1.01 * least


def test_weight_0_changes_nothing():
    channel = noise((4, 5, 6))
    assert less_variation(channel, 0.0) is channel


def test_a_great_weight_leaves_the_mean():
    channel = noise((6, 6, 6)) + 3
    np.testing.assert_allclose(less_variation(channel, 50.0), channel.mean(), atol=0.05)
    assert less_variation(channel, 50.0).mean() == pytest.approx(channel.mean(), rel=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (2, 2, 2), (1, 9, 1)], ids=str)
def test_thin_volumes_keep_their_mean(shape):
    channel = noise(shape)
    assert less_variation(channel, 0.3).mean() == pytest.approx(channel.mean(), abs=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_voxel_depends_on_none_beyond_the_reach(axis):
    shape = [5, 5, 5]
    shape[axis] = 60
    channel = noise(shape)
    changed = channel.copy()
    rows = np.moveaxis(changed, axis, 0)
    rows[30 + REACH + 1 :] += 100
    rows[: 30 - REACH] -= 100
    one, other = (np.moveaxis(less_variation(array, 0.8), axis, 0) for array in (channel, changed))
    np.testing.assert_array_equal(one[30], other[30])
    assert np.abs(one[REACH + 31] - other[REACH + 31]).max() > 50


def test_the_input_is_left_as_it_was():
    channel = noise((6, 7, 8))
    less_variation(channel, 0.5)
    np.testing.assert_array_equal(channel, noise((6, 7, 8)))
