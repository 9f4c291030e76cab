"""Filters of image rows that undo what back-projection does to low frequencies."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.fft import next_fast_len
from torch import Tensor

from gyrovox.errors import SettingsError

RowFilter = Literal["ramp", "hamming", "exact"]
"""A ramp, a ramp under a Hamming window, or the weights of the tilts that were in fact taken."""


def row_weights(
    kind: RowFilter,
    tilt_degrees: Float64[np.ndarray, " tilts"],
    samples: int,
    *,
    thickness: float,
) -> Float64[np.ndarray, "tilts frequencies"]:
    r"""Weight of every frequency along the rows of each image.

    The ramp is the transform of the sampled kernel, 1/4 at 0 and -1 / (π n)² at odd n, whose mean
    is right where that of a sampled |k| is not; each tilt weighs as much as the angle it stands
    for. The exact filter divides by how many images, each a slab 1 / D thick in Fourier space, have
    seen a frequency:

    .. math::
        w_i(k) = \frac{1}{D} \left(\sum_j \max(0, 1 - D |k \sin(θ_i - θ_j)|)\right)^{-1}

    Args:
        kind: Which filter.
        tilt_degrees: Tilts, shape (tilts,).
        samples: Samples of a row, padding included.
        thickness: Thickness D of the specimen in pixels, for the exact filter.

    Returns:
        Weights per pixel, shape (tilts, samples // 2 + 1), as `rfft` lays frequencies out.

    Raises:
        SettingsError: If there is no such filter, or the thickness is not positive.

    Source:
        Kak & Slaney (1988), eq. 3.61 (ramp); Harauz & van Heel (1986), Optik 73:146 (exact).
    """
    if kind == "exact":
        return _exact(tilt_degrees, samples, thickness)
    if kind not in {"ramp", "hamming"}:
        raise SettingsError(f"filter must be 'ramp', 'hamming' or 'exact', got {kind!r}.")
    distance = np.fft.fftfreq(samples, 1 / samples).round()
    odd = distance % 2 != 0
    kernel = np.where(odd, -1 / (np.pi * np.where(odd, distance, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    ramp = np.fft.rfft(kernel).real
    if kind == "hamming":
        ramp = ramp * (0.54 + 0.46 * np.cos(2 * np.pi * np.fft.rfftfreq(samples)))
    return np.asarray(angular_widths(tilt_degrees)[:, None] * ramp)


def _exact(
    tilt_degrees: Float64[np.ndarray, " tilts"], samples: int, thickness: float
) -> Float64[np.ndarray, "tilts frequencies"]:
    if not thickness > 0:
        raise SettingsError(f"thickness must be above 0 pixels, got {thickness}.")
    tilt = np.deg2rad(tilt_degrees)
    apart = np.abs(np.sin(tilt[:, None] - tilt))
    frequency = np.fft.rfftfreq(samples)
    seen = np.zeros((len(tilt), len(frequency)))
    for column in apart.T:
        seen += np.maximum(0, 1 - thickness * column[:, None] * frequency)
    return 1 / (seen * thickness)


def angular_widths(tilt_degrees: Float64[np.ndarray, " tilts"]) -> Float64[np.ndarray, " tilts"]:
    """The angle that each tilt stands for: half the way to its neighbours on both sides.

    Args:
        tilt_degrees: Tilts in any order, shape (tilts,).

    Returns:
        Radians, shape (tilts,); a single tilt stands for half a turn, and tilts taken twice share.
    """
    tilt, which = np.unique(np.deg2rad(tilt_degrees), return_inverse=True)
    if len(tilt) == 1:
        return np.full(len(tilt_degrees), np.pi / len(tilt_degrees))
    gaps = np.diff(tilt)
    gaps = np.concatenate([gaps[:1], gaps, gaps[-1:]])
    widths = (gaps[:-1] + gaps[1:]) / 2
    return np.asarray(widths[which] / np.bincount(which)[which])


def padded_samples(width: int) -> int:
    """Samples of a row with its padding: so many that its ends do not meet, and a fast number."""
    return int(next_fast_len(2 * width, real=True))


def filtered(
    frame: Float[Tensor, "y s"],
    weights: Float64[np.ndarray, " frequencies"],
    *,
    samples_per_pixel: int = 1,
) -> Float[Tensor, "y samples"]:
    """An image with its rows filtered, and sampled more finely between its pixels.

    Args:
        frame: An aligned image of mean 0, shape (y, s).
        weights: Of each frequency, as `row_weights` gives them for `padded_samples` of s.
        samples_per_pixel: Samples of a row for each of its pixels.

    Returns:
        Shape (y, s · samples_per_pixel); what was at pixel n is at sample n · samples_per_pixel.
    """
    width = frame.shape[1]
    samples = padded_samples(width)
    gain = torch.from_numpy(weights * samples_per_pixel).to(frame)
    spectrum = torch.fft.rfft(_faded(frame, samples), dim=1) * gain
    # Frequencies that pixels do not have are 0: so values between them are exact.
    finer: Tensor = torch.fft.irfft(spectrum, n=samples * samples_per_pixel, dim=1)
    return finer[:, : width * samples_per_pixel]


def _faded(frame: Float[Tensor, "y s"], samples: int) -> Float[Tensor, "y samples"]:
    """Rows that go on with the value of their end and fade to the other one: no step anywhere."""
    room = samples - frame.shape[1]
    rise = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(room).to(frame) + 0.5) / room)
    bridge = frame[:, -1:] * (1 - rise) + frame[:, :1] * rise
    return torch.cat([frame, bridge], dim=1)
