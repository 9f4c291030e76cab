"""Cartoon and texture: what a volume looks like once its noise is gone, and how its noise swings.

Colour alone does not tell objects of one colour apart. Each channel is split into a piecewise
smooth cartoon and the rest; the rest is passed through a bank of frequency bands, and the local
energy of each band says what texture there is around a voxel.
"""

import math

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from scipy import fft, ndimage
from skimage.restoration import denoise_tv_chambolle

BAND_CENTRES = (0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
"""Middles of the frequency bands, in cycles per finest voxel; 0.5 is the highest there is."""

_BAND_WIDTH = 0.12  # full width at half maximum, cycles per voxel
_WINDOW = 1.5  # standard deviation of the Gaussian that energies are averaged with, voxels
_DENOISING = 0.8  # weight of the total variation, in standard deviations of the noise
_ITERATIONS = 100
_FLOOR = 1e-3  # of a channel's mean band energy: keeps the logarithm of empty space finite
_MARGIN = 8  # voxels mirrored at the faces, so that opposite ones do not meet in the transform


def cartoon_and_texture(
    voxels: Float32[np.ndarray, "channels z y x"],
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    texture: bool = True,
) -> Float32[np.ndarray, "z y x features"]:
    """Denoised intensity and log-energies of nine frequency bands of every channel.

    Args:
        voxels: Shape ``(channels, z, y, x)``, in any unit.
        spacing: Length of a voxel along (z, y, x), in any unit; bands are isotropic in space.
        texture: Whether to add the energies to the intensities.

    Returns:
        Shape ``(z, y, x, channels * 10)``, or ``(z, y, x, channels)`` without texture; of each
        channel the cartoon first, then its bands from low to high.

    Source:
        Rudin, Osher & Fatemi (1992) for the split (https://doi.org/10.1016/0167-2789(92)90242-F),
        Chambolle (2004) for its algorithm; band energies as in filter-bank texture analysis,
        Randen & Husoy (1999), https://doi.org/10.1109/34.761261.
    """
    finest = min(spacing)
    side = (spacing[0] / finest, spacing[1] / finest, spacing[2] / finest)
    count = 1 + (len(BAND_CENTRES) if texture else 0)
    features = np.empty((*voxels.shape[1:], len(voxels) * count), dtype=np.float32)
    for index, channel in enumerate(voxels):
        cartoon = _cartoon(channel)
        features[..., index * count] = cartoon
        if texture:
            first = index * count + 1
            _log_energies(channel - cartoon, side, into=features[..., first : first + count - 1])
    return features


def noise_scale(channel: Float32[np.ndarray, "z y x"]) -> float:
    """Standard deviation of the noise of a channel, from its second differences.

    Args:
        channel: Shape ``(z, y, x)``.

    Returns:
        The median absolute second difference along all axes, of those that are not 0, as the
        standard deviation of white normal noise that would have it; 0 where there are none.
    """
    differences = [
        np.abs(np.diff(channel, n=2, axis=axis)).ravel()
        for axis, length in enumerate(channel.shape)
        if length > 2
    ]
    if not differences:
        return 0.0
    every = np.concatenate(differences)
    # Empty space around a specimen has no noise, and must not hide that of the specimen.
    swinging = every[every > 0]
    if not swinging.size:
        return 0.0
    return float(np.median(swinging)) / (0.6745 * math.sqrt(6.0))


def _cartoon(channel: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
    weight = _DENOISING * noise_scale(channel)
    if weight == 0:
        return channel
    smooth = denoise_tv_chambolle(  # type: ignore[no-untyped-call]
        channel, weight=weight, eps=1e-5, max_num_iter=_ITERATIONS
    )
    return np.asarray(smooth, dtype=np.float32)


def _log_energies(
    rest: Float32[np.ndarray, "z y x"],
    side: tuple[float, float, float],
    *,
    into: Float32[np.ndarray, "z y x bands"],
) -> None:
    """Write the logarithm of the local energy of every band of a channel."""
    margins = [min(_MARGIN, length - 1) for length in rest.shape]
    padded = np.pad(rest, [(margin, margin) for margin in margins], mode="reflect")
    inner = tuple(slice(margin, margin + n) for margin, n in zip(margins, rest.shape, strict=True))
    spectrum = fft.rfftn(padded, workers=-1)
    frequency = _frequencies(padded.shape, side)
    width = _BAND_WIDTH / math.sqrt(8 * math.log(2))
    window = [_WINDOW / length for length in side]
    for band, centre in enumerate(BAND_CENTRES):
        gain = np.exp(-((frequency - centre) ** 2) / (2 * width**2)).astype(np.float32)
        swing = fft.irfftn(spectrum * gain, s=padded.shape, workers=-1)[inner]
        energy = ndimage.gaussian_filter(np.asarray(swing * swing, np.float32), window)
        floor = max(_FLOOR * float(energy.mean(dtype=np.float64)), 1e-12)
        into[..., band] = np.log(energy + np.float32(floor))


def _frequencies(shape: tuple[int, ...], side: tuple[float, float, float]) -> NDArray[np.float32]:
    """|f| on the grid of a real FFT, in cycles per finest voxel."""
    z, y, x = np.ix_(
        np.fft.fftfreq(shape[0], side[0]),
        np.fft.fftfreq(shape[1], side[1]),
        np.fft.rfftfreq(shape[2], side[2]),
    )
    return np.asarray(np.sqrt(z**2 + y**2 + x**2), dtype=np.float32)
