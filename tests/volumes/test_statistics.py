import tracemalloc
from dataclasses import astuple

import numpy as np
import pytest

from gyrovox.errors import VolumeError
from gyrovox.volumes import InMemory, Normalisation, Volume, normalisation_of
from gyrovox.volumes.statistics import _parts, normalisation_of_array


def literal(values):
    """Clipped and standardised as the method says it, from the whole channel at once."""
    values = values.astype(np.float64)
    low, high = np.quantile(values, [1e-3, 1 - 1e-3])
    wide = high - low
    clipped = np.clip(values, low - wide, high + wide) if wide > 0 else values
    return (clipped - clipped.mean()) / clipped.std()


def channels(dtype, shape=(21, 34, 15)):
    rng = np.random.default_rng(0)
    voxels = np.stack([rng.normal(60, 9, shape), rng.gamma(2.0, 10.0, shape)])
    voxels[:, 3, 4, 5] = 120
    return voxels > 60 if dtype == "?" else np.clip(voxels, 0, 127).astype(dtype)


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u1", "i2", "u2", ">u2", "i4", "i8", "f2", "f4", "f8"]
)
def test_every_channel_of_every_type_is_clipped_and_standardised(dtype):
    voxels = channels(dtype)
    found = normalisation_of(Volume.from_array(voxels)).apply(voxels)
    assert found.dtype == np.float32
    for one, values in zip(found, voxels, strict=True):
        np.testing.assert_allclose(one, literal(values), rtol=1e-5, atol=1e-5)


def test_nothing_changes_when_the_volume_is_read_in_other_parts(monkeypatch):
    voxels = channels("f4", (40, 30, 20))
    whole = normalisation_of(Volume.from_array(voxels))
    from gyrovox.volumes import statistics

    monkeypatch.setattr(statistics, "_READ", 500)
    monkeypatch.setattr(statistics, "_COUNTED", 77)
    assert len(list(_parts(InMemory(voxels)))) > 2
    for one, other in zip(
        astuple(normalisation_of(Volume.from_array(voxels))), astuple(whole), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 300, 7), (40, 129, 260), (3, 2000, 3000)])
def test_the_parts_cover_every_voxel_once_and_are_bounded(shape):
    source = Lazy((2, *shape))
    covered = sum(int(np.prod(region.shape)) for region in _parts(source))
    assert covered == np.prod(shape)
    starts = [region.start for region in _parts(source)]
    assert len(set(starts)) == len(starts)
    for region in _parts(source):
        assert region.start[0] % 16 == 0
        assert region.start[1] % 128 == 0
        assert 2 * np.prod(region.shape) <= max(2**23, 2 * 16 * 128 * shape[2])


class Lazy:
    """Voxels that are made when they are read."""

    def __init__(self, shape, dtype=np.float32):
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def read(self, region):
        z = np.arange(region.start[0], region.stop[0], dtype=self.dtype)
        return np.broadcast_to(z[:, None, None], (self.shape[0], *region.shape)).copy()


def test_memory_does_not_grow_with_the_volume():
    def peak(depth):
        volume = Volume(source=Lazy((1, depth, 512, 512)), voxel_size_nm=None, affine=np.eye(4))
        tracemalloc.start()
        normalisation_of(volume)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    first = peak(32)
    assert first < 150e6
    assert peak(96) < 1.05 * first


@pytest.mark.parametrize("policy", ["zero", "mean"])
def test_voxels_that_are_not_finite_are_filled_on_request(policy):
    voxels = channels("f8")
    voxels[0, :2, 0, 0] = np.nan, np.inf
    voxels[1, 7, 7, 7] = 1e300
    found = normalisation_of(Volume.from_array(voxels), nan_policy=policy)
    for channel, values in enumerate(voxels):
        usable = np.abs(values) < 1e30
        fill = 0.0 if policy == "zero" else values[usable].astype(np.float32).mean(dtype=np.float64)
        expected = literal(np.where(usable, values, fill))
        assert found.fill[channel] == pytest.approx(fill)
        np.testing.assert_allclose(found.apply(voxels)[channel], expected, rtol=1e-5, atol=1e-5)
    assert np.isnan(voxels).sum() == 1, "the caller's array is left alone"


def test_what_a_voxel_becomes_depends_on_its_value_alone():
    voxels = channels("i2")
    found = normalisation_of(Volume.from_array(voxels))
    part = found.apply(voxels[:, 5:9, 3:30, 7:8])
    assert np.array_equal(part, found.apply(voxels)[:, 5:9, 3:30, 7:8])


def test_a_channel_without_deviation_becomes_0():
    flat = np.full((1, 4, 4, 4), 7.0, np.float32)
    found = normalisation_of_array(flat)
    assert found == Normalisation((7.0,), (7.0,), (7.0,), (0.0,), (0.0,))
    assert not found.apply(flat).any()


class TestRefuses:
    def test_voxels_that_are_not_finite(self):
        voxels = np.arange(60.0).reshape(3, 4, 5)
        voxels[0, 0, 0], voxels[1, 1, 1] = np.nan, np.inf
        voxels[2, 2, 2] = 1e300
        message = "1 NaN and 1 infinite and 1 beyond the range of float32 came among 60"
        with pytest.raises(VolumeError, match=message):
            normalisation_of(Volume.from_array(voxels))

    def test_voxels_that_are_no_real_numbers(self):
        with pytest.raises(VolumeError, match="voxels must be real numbers"):
            normalisation_of(Volume.from_array(np.zeros((3, 4, 5), "c8")))

    def test_a_channel_without_a_finite_voxel(self):
        empty = Volume.from_array(np.full((3, 4, 5), np.nan))
        with pytest.raises(VolumeError, match="at least one voxel of each channel"):
            normalisation_of(empty, nan_policy="mean")

    @pytest.mark.parametrize("dtype", ["u1", "f4"])
    def test_a_constant_channel(self, dtype):
        voxels = np.stack([np.arange(60).reshape(3, 4, 5), np.full((3, 4, 5), 2)]).astype(dtype)
        with pytest.raises(VolumeError, match=r"must vary.*channel 1 is 2"):
            normalisation_of(Volume.from_array(voxels))

    def test_but_not_one_that_filling_makes_vary(self):
        voxels = np.full((3, 4, 5), 2.5)
        voxels[0, 0, 0] = np.nan
        assert normalisation_of(Volume.from_array(voxels), nan_policy="zero").fill == (0.0,)
