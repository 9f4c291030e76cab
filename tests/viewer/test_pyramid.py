"""Blocks as voxels: equal to the plain definition, read in bounded pieces."""

import math

import numpy as np
import pytest

from gyrovox.viewer import pyramid
from gyrovox.viewer.pyramid import block_means, block_samples, coarse_shape, fitting_step
from gyrovox.volumes import InMemory, Region, Volume


def blocks(array, step):
    """Every block by its place."""
    for place in np.ndindex(*(math.ceil(side / step) for side in array.shape)):
        yield place, array[tuple(slice(i * step, (i + 1) * step) for i in place)]


class Watched:
    """A source that notes how much is read at a time, and how often each voxel is."""

    def __init__(self, array):
        self._source = InMemory(array[np.newaxis])
        self.largest = 0
        self.times = np.zeros(array.shape, int)

    @property
    def shape(self):
        return self._source.shape

    @property
    def dtype(self):
        return self._source.dtype

    def read(self, region: Region):
        voxels = self._source.read(region)
        self.largest = max(self.largest, voxels.nbytes)
        self.times[region.slices] += 1
        return voxels


def watched(array):
    source = Watched(array)
    return source, Volume(source=source, voxel_size_nm=None, affine=np.eye(4))


@pytest.mark.parametrize(
    ("shape", "step"),
    [
        ((256, 256, 256), 1),
        ((257, 256, 256), 2),
        ((512, 512, 512), 2),
        ((513, 512, 512), 3),
        ((1024, 1024, 1024), 4),
        ((2, 2896, 2896), 2),  # few voxels, but a side too long for WebGL
        ((100, 2048, 2048), 3),
    ],
)
def test_the_smallest_step_that_fits(shape, step):
    assert fitting_step(shape) == step
    assert math.prod(coarse_shape(shape, step)) <= 256**3
    assert max(coarse_shape(shape, step)) <= 2048


@pytest.mark.parametrize("step", [1, 2, 3, 5, 20])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_means_are_those_of_every_block(dtype, step, monkeypatch):
    monkeypatch.setattr(pyramid, "_SLAB_BYTES", 4000)
    array = np.random.default_rng(step).normal(100, 20, (7, 11, 13)).astype(dtype)
    means = block_means(Volume.from_array(array), step)
    assert means.dtype == np.float32
    assert means.shape == coarse_shape(array.shape, step)
    for place, block in blocks(array.astype(np.float64), step):
        assert means[place] == pytest.approx(block.mean(), rel=1e-6)


def test_a_mean_does_not_overflow_its_type():
    array = np.full((4, 4, 4), 255, np.uint8)
    assert (block_means(Volume.from_array(array), 4) == 255).all()


def test_voxels_that_are_not_finite_do_not_count():
    array = np.ones((2, 2, 4), np.float32)
    array[0, 0, 0], array[1, 1, 1], array[0, 1, 0] = np.nan, np.inf, 3
    array[:, :, 2:] = np.nan
    means = block_means(Volume.from_array(array), 2)
    assert means[0, 0, 0] == pytest.approx((3 + 5) / 6)
    assert np.isnan(means[0, 0, 1])
    whole = block_means(Volume.from_array(array), 1)
    assert np.isnan(whole[1, 1, 1])
    assert whole[0, 1, 0] == 3


def test_the_channel_that_was_asked_for_is_taken():
    array = np.stack([np.zeros((2, 2, 2)), np.ones((2, 2, 2))])
    assert block_means(Volume.from_array(array), 2, channel=1).item() == 1


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_samples_are_the_middles_of_blocks(step, monkeypatch):
    monkeypatch.setattr(pyramid, "_SLAB_BYTES", 1000)
    array = np.random.default_rng(0).integers(0, 60_000, (7, 11, 13)).astype(np.uint16)
    samples = block_samples(Volume.from_array(array), step)
    assert samples.dtype == np.uint16
    for place, block in blocks(array, step):
        middle = tuple(min(step // 2, side - 1) for side in block.shape)
        assert samples[place] == block[middle]


@pytest.mark.parametrize("make", [block_means, block_samples])
@pytest.mark.parametrize("step", [1, 3])
def test_voxels_are_read_once_and_a_bounded_piece_at_a_time(make, step, monkeypatch):
    array = np.zeros((31, 40, 50), np.float32)
    # Less than `step` slices: rows are divided, too.
    monkeypatch.setattr(pyramid, "_SLAB_BYTES", 20_000)
    source, volume = watched(array)
    make(volume, step)
    assert (source.times == 1).all()
    assert source.largest <= 20_000
