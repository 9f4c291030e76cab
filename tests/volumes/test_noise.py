import numpy as np
import pytest

from gyrovox.volumes.noise import band_pass_noise, frequency_grid, pink_noise


@pytest.fixture
def rng(seed):
    return np.random.default_rng(seed)


def amplitude(noise, grid, low, high):
    """Root mean square of the spectrum between two frequencies."""
    inside = (grid >= low) & (grid < high)
    return np.sqrt(np.mean(np.abs(np.fft.rfftn(noise)[inside]) ** 2))


@pytest.mark.parametrize("shape", [(32, 32, 32), (31, 33, 35), (9, 40, 40)], ids=str)
def test_noise_has_mean_0_and_variance_1(shape, rng):
    grid = frequency_grid(shape, np.ones(3))
    for noise in (pink_noise(rng, grid, shape), band_pass_noise(rng, grid, shape, centre=0.2)):
        assert noise.shape == shape
        assert noise.dtype == np.float32
        assert noise.mean() == pytest.approx(0.0, abs=1e-5)
        assert noise.std() == pytest.approx(1.0, rel=1e-4)


def test_pink_noise_falls_as_one_over_frequency(rng):
    shape = (64, 64, 64)
    grid = frequency_grid(shape, np.ones(3))
    noise = pink_noise(rng, grid, shape)
    coarse, fine = amplitude(noise, grid, 0.095, 0.105), amplitude(noise, grid, 0.38, 0.42)
    assert coarse / fine == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("centre", [0.1, 0.25, 0.4])
def test_a_band_is_half_as_wide_high_at_half_its_width(centre, rng):
    shape = (64, 64, 64)
    grid = frequency_grid(shape, np.ones(3))
    noise = band_pass_noise(rng, grid, shape, centre=centre)
    top = amplitude(noise, grid, centre - 0.004, centre + 0.004)
    for side in (-0.025, 0.025):
        edge = amplitude(noise, grid, centre + side - 0.002, centre + side + 0.002)
        assert edge / top == pytest.approx(0.5, rel=0.15)
    assert amplitude(noise, grid, centre + 0.08, 0.5 if centre < 0.4 else 0.6) < 0.01 * top


def test_a_band_between_all_frequencies_of_a_small_volume_still_gives_noise(rng):
    shape = (8, 8, 8)
    noise = band_pass_noise(rng, frequency_grid(shape, np.ones(3)), shape, centre=0.05)
    assert np.isfinite(noise).all()
    assert noise.std() == pytest.approx(1.0, rel=1e-4)


def test_frequencies_count_in_the_shortest_side():
    grid = frequency_grid((10, 20, 20), np.array([4.0, 1.0, 1.0]))
    assert grid[5, 0, 0] == pytest.approx(0.125)
    assert grid[0, 10, 0] == pytest.approx(0.5)
