import numpy as np
import pytest
import torch

from gyrovox.errors import VolumeError, VolumeMismatchError
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising import (
    Gaussian,
    Noise2Noise,
    NonLocalMeans,
    TotalVariation,
    denoise,
    denoise_into,
)
from gyrovox.tomography.denoising.unet import UNet
from gyrovox.volumes import InMemory, Region, Volume


def drawn_network(channels=(2, 3, 4)):
    torch.manual_seed(1)
    network = UNet(channels)
    torch.nn.init.normal_(network.head.weight)
    return Noise2Noise(network.eval(), Noise2NoiseSettings(channels=channels))


WAYS = [
    Gaussian(sigma=1.0),
    NonLocalMeans(strength=0.7, distance=2),
    TotalVariation(weight=0.5),
    drawn_network(),
]


def tomogram(shape=(20, 24, 45), seed=0):
    voxels = np.random.default_rng(seed).normal(100.0, 12.0, shape).astype(np.float32)
    voxels[5:12, 5:15, 10:40] += 20.0
    return Volume.from_array(voxels, voxel_size_nm=(1.0, 1.0, 1.0))


class Recording:
    """A sink that knows what was written to it."""

    def __init__(self, shape):
        self.into = InMemory(np.full((1, *shape), np.nan, np.float32))
        self.shape, self.dtype = self.into.shape, self.into.dtype
        self.regions = []

    def write(self, region, array):
        self.regions.append(region)
        self.into.write(region, array)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
def test_tiles_together_are_the_whole(way):
    volume, tile = tomogram((17, 18, 62)), 15
    whole, tiled = Recording(volume.spatial_shape), Recording(volume.spatial_shape)
    denoise_into(whole, volume, way, tile=1000)
    denoise_into(tiled, volume, way, tile=tile)
    assert len(whole.regions) == 1 < len(tiled.regions)
    found, expected = (one.into.read(Region.whole(volume.spatial_shape)) for one in (tiled, whole))
    deviation = volume.read().std()
    assert np.abs(found - expected).max() < 1e-5 * deviation
    assert np.ptp(expected) > 0.1 * deviation  # there is something to compare


def test_boxes_of_whole_rows_cover_a_tomogram_once():
    sink = Recording((20, 24, 45))
    denoise_into(sink, tomogram(), Gaussian(), tile=8)
    counts = np.zeros((20, 24, 45), int)
    for region in sink.regions:
        assert (region.start[2], region.stop[2]) == (0, 45)
        counts[region.slices] += 1
    assert (counts == 1).all()


def test_grey_values_are_those_of_the_tomogram():
    volume = tomogram()
    found = denoise(volume, Gaussian(sigma=1.0))
    assert found.mean() == pytest.approx(volume.read().mean(), rel=1e-3)
    assert found[8, 10, 25] - found[15, 20, 42] == pytest.approx(20, abs=6)


def test_of_halves_it_is_the_mean():
    one, other = tomogram(seed=1), tomogram(seed=2)
    whole = Volume.from_array((one.read()[0] + other.read()[0]) / 2)
    found = denoise(whole, Gaussian(sigma=1.0), halves=(one, other))
    # A Gaussian is linear: the mean of the denoised halves is the denoised mean.
    np.testing.assert_allclose(found, denoise(whole, Gaussian(sigma=1.0)), rtol=0, atol=0.2)
    apart = denoise(whole, TotalVariation(weight=0.5), halves=(one, other))
    expected = [denoise(half, TotalVariation(weight=0.5)) for half in (one, other)]
    means = [half.read().mean() for half in (one, other)]
    mean = np.mean([half - m for half, m in zip(expected, means, strict=True)], axis=0)
    np.testing.assert_allclose(apart - whole.read().mean(), mean, rtol=0, atol=0.05)


def test_what_is_not_finite_is_filled_where_that_is_asked_for():
    voxels = tomogram().read()[0]
    voxels[3, 3, 3] = np.nan
    volume = Volume.from_array(voxels)
    with pytest.raises(VolumeError, match="NaN"):
        denoise(volume, Gaussian())
    found = denoise(volume, Gaussian(), nan_policy="mean")
    assert np.isfinite(found).all()
    assert found[3, 3, 3] == pytest.approx(100, abs=15)


def test_what_does_not_belong_together_is_refused():
    volume = tomogram()
    with pytest.raises(
        VolumeMismatchError, match=r"\(20, 24, 40\) voxels \(z, y, x\) where volume"
    ):
        denoise(volume, Gaussian(), halves=(volume, tomogram((20, 24, 40))))
    two = Volume.from_array(np.zeros((2, 8, 8, 8), np.float32))
    with pytest.raises(VolumeError, match="must have one channel, and this volume has 2"):
        denoise(two, Gaussian())
