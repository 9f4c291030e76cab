"""Crops of volumes are parts of them, and reach their faces."""

import numpy as np
import pytest
from benchmarks.quality.comparison.voxels import normalised
from benchmarks.quality.networks.crop_source import CropSource, padded

from gyrovox.volumes import Volume


def volume(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return Volume.from_array(values)


def test_crops_are_parts_of_the_reflected_volume():
    one = volume(2, 9, 10, 11)
    around = padded(normalised(one), (3, 5, 5))
    assert around.shape == (2, 11, 14, 15)
    crop = CropSource([one], (3, 5, 5), block=(2, 3, 4)).draw(1, np.random.default_rng(0))[0]
    windows = np.lib.stride_tricks.sliding_window_view(around, crop.shape)
    assert (windows == crop.numpy()).all((-4, -3, -2, -1)).sum() == 1


def test_every_voxel_has_its_patch():
    one = volume(1, 3, 2, 3)
    patches = CropSource([one], (3, 3, 3)).draw(500, np.random.default_rng(0))
    middles = patches[:, 0, 1, 1, 1].unique()
    np.testing.assert_allclose(middles, np.sort(normalised(one).ravel()))


def test_every_volume_is_drawn_from():
    sources = CropSource([volume(1, 5, 5, 5, seed=seed) for seed in range(3)], (1, 1, 1))
    crops = sources.draw(2000, np.random.default_rng(0))
    assert len(crops.unique()) > 2.5 * 5**3


def test_blocks_are_no_larger_than_the_smallest_volume():
    source = CropSource([volume(1, 9, 9, 9), volume(1, 9, 4, 9)], (3, 3, 3), block=(6, 6, 6))
    assert source.block == (6, 4, 6)
    assert source.draw(5, np.random.default_rng(0)).shape == (5, 1, 8, 6, 8)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_gives_its_crops(seed):
    source = CropSource([volume(1, 9, 9, 9)], (3, 3, 3))
    first, again = (source.draw(4, np.random.default_rng(seed)) for _ in range(2))
    assert first.equal(again)
    assert not first.equal(source.draw(4, np.random.default_rng(seed + 1)))
