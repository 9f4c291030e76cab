"""Fourier shell correlation: up to which frequency two volumes agree."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy import fft

from gyrovox.errors import VolumeMismatchError


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class FourierShellCorrelation:
    """How well two volumes agree at each frequency.

    Args:
        frequencies: Middle of each shell in cycles per voxel, shape (shells,).
        correlations: Between -1 and 1, shape (shells,); 0 where a shell is empty.
        counts: Frequencies in each shell, weighted, shape (shells,).
    """

    frequencies: Float64[np.ndarray, " shells"]
    correlations: Float64[np.ndarray, " shells"]
    counts: Float64[np.ndarray, " shells"]

    def resolution(self, threshold: float) -> float:
        """Frequency at which the correlation first falls below a threshold, and stays for a shell.

        Args:
            threshold: Correlation, such as 0.5 or 0.143.

        Returns:
            Cycles per voxel, between shells by a straight line; that of the last shell where the
            correlation stays above. Voxel size divided by it is the resolution as a length.
        """
        below = self.correlations < threshold
        # Shell 0 holds the mean and little else. One shell alone may fall by chance.
        for shell in range(1, len(below)):
            if below[shell] and (shell + 1 == len(below) or below[shell + 1]):
                high, low = self.correlations[shell - 1], self.correlations[shell]
                share = (high - threshold) / (high - low) if high > threshold else 0.0
                step = self.frequencies[shell] - self.frequencies[shell - 1]
                return float(self.frequencies[shell - 1] + share * step)
        return float(self.frequencies[-1])


def fourier_shell_correlation(
    first: Float[np.ndarray, "z y x"],
    second: Float[np.ndarray, "depth height width"],
    *,
    mask: Float[np.ndarray, "z y x"] | None = None,
    weights: Float32[np.ndarray, "z y frequencies"] | None = None,
) -> FourierShellCorrelation:
    r"""Correlation of two volumes, shell by shell of Fourier space.

    .. math::
        \mathrm{FSC}(k) = \frac{\sum w \, \Re(F \bar G)}{\sqrt{\sum w |F|^2 \sum w |G|^2}}

    Args:
        first: A volume, shape (z, y, x).
        second: The other one, of the same shape.
        mask: Soft mask that both are multiplied with after their mean is taken away, shape
            (z, y, x).
        weights: What each frequency counts, shape (z, y, x // 2 + 1), such as `wedge_mask`: what no
            image has seen then counts nothing.

    Returns:
        Correlations in shells as wide as one frequency of the longest axis, up to Nyquist.

    Raises:
        VolumeMismatchError: If shapes differ.

    Source:
        Harauz & van Heel (1986), Optik 73:146.
    """
    if first.shape != second.shape:
        raise VolumeMismatchError(
            f"volumes that are compared must have one shape, got {first.shape} and {second.shape}."
        )
    spectra = []
    for volume in (first, second):
        centred = volume - volume.mean(dtype=np.float64)
        spectra.append(fft.rfftn(centred if mask is None else centred * mask))
    radius = _radius(first.shape)
    count = _counts(radius.shape, first.shape[2] % 2 == 0, weights)
    step = 1 / max(first.shape)
    shells = int(0.5 / step) + 1
    shell = np.rint(radius / step).astype(np.int64)

    def summed(values: Float[np.ndarray, "z y frequencies"]) -> Float64[np.ndarray, " shells"]:
        sums = np.bincount(shell.ravel(), (values * count).ravel(), minlength=shells)
        return sums[:shells]

    cross = summed((spectra[0] * spectra[1].conj()).real)
    power = np.sqrt(summed(np.abs(spectra[0]) ** 2) * summed(np.abs(spectra[1]) ** 2))
    numbers = summed(np.ones_like(radius))
    return FourierShellCorrelation(
        frequencies=np.arange(shells) * step,
        correlations=np.divide(cross, power, out=np.zeros(shells), where=power > 0),
        counts=numbers,
    )


def _counts(
    shape: tuple[int, ...],
    is_even: bool,
    weights: Float32[np.ndarray, "z y frequencies"] | None,
) -> Float64[np.ndarray, "z y frequencies"]:
    """What each frequency of `rfftn` counts: for its conjugate too, except on two faces.

    Raises:
        VolumeMismatchError: If weights have another shape.
    """
    count = np.full(shape, 2.0)
    count[..., 0] = 1
    if is_even:
        count[..., -1] = 1
    if weights is None:
        return count
    if weights.shape != shape:
        raise VolumeMismatchError(
            f"weights must be laid out as rfftn does, shape {shape}, got {weights.shape}."
        )
    return np.asarray(count * weights)


def _radius(shape: tuple[int, ...]) -> Float64[np.ndarray, "z y frequencies"]:
    """How far each frequency of `rfftn` is from 0, in cycles per voxel."""
    depth, height = np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1])
    width = np.fft.rfftfreq(shape[2])
    squared = depth[:, None, None] ** 2 + height[None, :, None] ** 2 + width[None, None, :] ** 2
    return np.asarray(np.sqrt(squared))
