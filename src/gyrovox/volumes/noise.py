"""Random textures of a given spectrum."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_BANDWIDTH = 0.05


def frequency_grid(
    shape: tuple[int, int, int], spacing: NDArray[np.float64]
) -> NDArray[np.float32]:
    """|f| on the grid of a real FFT.

    Args:
        shape: Voxels along (z, y, x).
        spacing: Size of a voxel along (z, y, x), in any unit, shape (3,).

    Returns:
        Cycles per shortest side of a voxel, shape (z, y, x // 2 + 1).
    """
    side = spacing / spacing.min()
    axes = [
        np.fft.fftfreq(shape[0], side[0]),
        np.fft.fftfreq(shape[1], side[1]),
        np.fft.rfftfreq(shape[2], side[2]),
    ]
    z, y, x = np.ix_(*axes)
    frequency: NDArray[np.float32] = np.sqrt(z**2 + y**2 + x**2).astype(np.float32)
    return frequency


def pink_noise(
    generator: np.random.Generator, frequency: NDArray[np.float32], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    """Noise of amplitude spectrum 1/f, mean 0 and variance 1, shape (z, y, x).

    Args:
        generator: Where the randomness comes from.
        frequency: |f| on the grid of a real FFT, shape (z, y, x // 2 + 1).
        shape: Voxels along (z, y, x).

    Returns:
        Noise, shape (z, y, x).
    """
    gain = np.zeros_like(frequency)
    np.divide(1.0, frequency, out=gain, where=frequency > 0)
    return _shaped_noise(generator, gain, shape)


def band_pass_noise(
    generator: np.random.Generator,
    frequency: NDArray[np.float32],
    shape: tuple[int, int, int],
    *,
    centre: float,
) -> NDArray[np.float32]:
    """White noise through a Gaussian band of 0.05 cycles/voxel full width at half maximum.

    Args:
        generator: Where the randomness comes from.
        frequency: |f| on the grid of a real FFT, shape (z, y, x // 2 + 1).
        shape: Voxels along (z, y, x).
        centre: Middle of the band, in cycles per voxel.

    Returns:
        Noise of mean 0 and variance 1, shape (z, y, x).
    """
    width = _BANDWIDTH / math.sqrt(8 * math.log(2))
    distance = np.abs(frequency - centre)
    distance.flat[0] = np.inf  # the mean belongs to the colour
    # Relative to the nearest frequency there is: a small volume may have none inside the band.
    nearest = distance.min()
    gain = np.exp((nearest**2 - distance**2) / (2 * width**2)).astype(np.float32)
    return _shaped_noise(generator, gain, shape)


def _shaped_noise(
    generator: np.random.Generator, gain: NDArray[np.float32], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    white = generator.standard_normal(shape, dtype=np.float32)
    noise: NDArray[np.float32] = fft.irfftn(gain * fft.rfftn(white), s=shape)
    noise /= noise.std()
    return noise
