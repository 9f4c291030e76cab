"""Masks, filters and other voxels for averaged maps."""

import numpy as np
import torch
from jaxtyping import Float32, Float64
from scipy import ndimage
from torch import Tensor

from gyrovox.tomography.fourier_shell import FourierShellCorrelation

from .box_spectra import boxes_of_spectra, centred_spectra, frequencies

GOLD_STANDARD = 0.143
"""Correlation of two halves at which their average is as sure as one of 0.5 with the truth."""

_EDGE = 3.0  # voxels over which a mask falls


def soft_ball(box: int, radius: float) -> Float32[np.ndarray, "box box box"]:
    """A ball around the voxel at ``box // 2``.

    Args:
        box: Side of the box in voxels.
        radius: Where the mask has fallen to a half, in voxels.

    Returns:
        1 inside, 0 outside, with a cosine between them.
    """
    axis = np.arange(box) - box // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    share = np.clip((radius - distance) / _EDGE + 0.5, 0, 1)
    ball: Float32[np.ndarray, "box box box"] = (0.5 - 0.5 * np.cos(np.pi * share)).astype(
        np.float32
    )
    return ball


def resolved_frequency(correlation: FourierShellCorrelation, threshold: float) -> float:
    """Frequency at which a correlation falls below a threshold for the first time.

    Args:
        correlation: The curve.
        threshold: Correlation, such as `GOLD_STANDARD`.

    Returns:
        Cycles per voxel, between shells by a straight line; the last one where it never does.
    """
    values, frequencies = correlation.correlations, correlation.frequencies
    below = np.flatnonzero(values[1:] < threshold) + 1  # shell 0 holds the mean and little else
    if not len(below):
        return float(frequencies[-1])
    last, high = below[0] - 1, values[below[0] - 1]
    share = (high - threshold) / (high - values[below[0]]) if high > threshold else 0.0
    return float(frequencies[last] + share * (frequencies[below[0]] - frequencies[last]))


def filtered(
    volume: Float32[Tensor, "box box box"], correlation: FourierShellCorrelation
) -> Float32[Tensor, "box box box"]:
    """A map with each frequency weighted by how far it can be believed.

    The weight is √(2 FSC / (1 + FSC)), the correlation that the mean of two halves is expected to
    have with the truth; 0 from where the halves' falls below 0.143.

    Args:
        volume: Shape (box, box, box).
        correlation: Of two halves of it.

    Returns:
        Shape (box, box, box).

    Source:
        Rosenthal & Henderson (2003), J. Mol. Biol. 333:721, eq. 18.
        https://doi.org/10.1016/j.jmb.2003.07.013
    """
    agreed = np.clip(correlation.correlations, 0, 1)
    weights = np.sqrt(2 * agreed / (1 + agreed))
    weights[0] = 1  # the mean says nothing of how well the rest is known
    weights[correlation.frequencies > resolved_frequency(correlation, GOLD_STANDARD)] = 0
    radius = frequencies(volume.shape[0], volume.device).cpu().numpy()
    shells = np.interp(radius, correlation.frequencies, weights, right=0.0)
    of_frequency = torch.from_numpy(shells.astype(np.float32)).to(volume.device)
    return boxes_of_spectra(centred_spectra(volume[None]) * of_frequency)[0]


def resampled(
    volume: Float32[np.ndarray, "z y x"], ratio: float, box: int
) -> Float32[np.ndarray, "box box box"]:
    """A map on other voxels, centre on centre.

    Args:
        volume: A map whose centre is at ``n // 2``.
        ratio: Side of the new voxels in old ones.
        box: New voxels along an axis.

    Returns:
        Shape (box, box, box); 0 where the map does not reach. Where voxels grow, what they cannot
        show is smoothed away.
    """
    smooth = volume if ratio <= 1 else ndimage.gaussian_filter(volume, 0.4 * ratio)
    centre = np.array(volume.shape) // 2
    offset = centre - ratio * (box // 2)
    placed: Float64[np.ndarray, "box box box"] = ndimage.affine_transform(
        smooth, np.full(3, ratio), offset=offset, output_shape=(box,) * 3, order=3
    )
    return placed.astype(np.float32)
