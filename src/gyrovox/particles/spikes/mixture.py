"""How many of the peaks of a score are spikes, and how many spikes may have been missed.

Peaks of the shell of spikes are a mixture of spikes and of noise. What noise looks like is learned
from a decoy: the same score in a shell so far out that no spike reaches it. What is not noise is
taken for spikes, whose scores are normal about a mean that may change with latitude, because of
the missing wedge, and as spread as those of noise.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import NDArray

_STEPS = 80
_STEPS_AGAIN = 40  # from what was fitted, for peaks that are drawn anew
_FEWEST_DECOYS = 12
_LEAST_APART = 2.0  # standard deviations of noise, between noise and spikes
_ONE_ABOVE = 0.8413  # share of a normal distribution below one standard deviation
_DOUBT = 4.0  # peaks that a virion's share of spikes is drawn to that of all by
_FLATNESS = 3.0  # spikes at a pole that a slope with latitude is doubted by
_DRAWS = 400


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class PeakMixture:
    """Noise and spikes among peaks.

    Args:
        noise_mean: Mean score of peaks of noise.
        spread: Standard deviation of their scores, and of those of spikes of one latitude. With a
            spread of their own, spikes would take in the upper half of the noise.
        spike_mean: Mean score of spikes at the equator, and what is added to it at the poles.
        shares: Share of each virion's peaks that are spikes, shape (virions,).
    """

    noise_mean: float
    spread: float
    spike_mean: tuple[float, float]
    shares: Float64[np.ndarray, " virions"]

    def chances(
        self,
        scores: Float64[np.ndarray, " n"],
        latitudes: Float64[np.ndarray, " n"],
        owners: Int64[np.ndarray, " n"],
    ) -> Float64[np.ndarray, " n"]:
        """Chance of each peak to be a spike.

        Args:
            scores: Of the peaks.
            latitudes: Square of the sine of their latitude, 0 at the equator, 1 at the poles.
            owners: Virion of each peak.

        Returns:
            Numbers from 0 to 1, shape (n,).
        """
        return _chances(self._fits(), scores, latitudes, owners)[0]

    def detectability(self, latitude: float) -> float:
        """Share of the spikes of a latitude whose peaks are likelier spikes than noise.

        Args:
            latitude: Square of the sine of the latitude.

        Returns:
            A number from 0 to 1, of a virion with the mean share of spikes.
        """
        mean = self.spike_mean[0] + self.spike_mean[1] * latitude
        steps = np.linspace(-3, 3, 121)
        weights = np.exp(-(steps**2) / 2)
        fits = self._fits()
        fits.shares = fits.shares.mean(axis=1, keepdims=True)
        places, virion = np.full(121, latitude), np.zeros(121, np.int64)
        sure = _chances(fits, mean + self.spread * steps, places, virion)[0] > 0.5
        return float((weights * sure).sum() / weights.sum())

    def _fits(self) -> "_Fits":
        return _Fits(
            noise_mean=np.array([self.noise_mean]),
            spread=np.array([self.spread]),
            base=np.array([self.spike_mean[0]]),
            slope=np.array([self.spike_mean[1]]),
            shares=self.shares[np.newaxis].copy(),
        )


def fit_mixture(
    scores: Float64[np.ndarray, " n"],
    latitudes: Float64[np.ndarray, " n"],
    owners: Int64[np.ndarray, " n"],
    decoys: Float64[np.ndarray, " decoys"],
    *,
    virions: int,
) -> PeakMixture:
    """What noise and spikes look like among peaks, by expectation and maximisation.

    Args:
        scores: Of the peaks of the shell of spikes.
        latitudes: Square of the sine of their latitude.
        owners: Virion of each peak.
        decoys: Scores of the peaks of the decoy; where there are too few, the lower half of
            `scores` stands for them.
        virions: How many there are.

    Returns:
        The mixture.

    Source:
        Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM
        algorithm; decoys as in Elias & Gygi (2007). https://doi.org/10.1038/nmeth1019
    """
    middle, spread = _noise(_known_noise(scores, decoys)[np.newaxis])
    top = float(np.quantile(scores, 0.95)) if len(scores) else 0.0
    top = max(top, float(middle[0] + 3 * spread[0]))
    fits = _Fits(
        noise_mean=middle,
        spread=spread,
        base=np.array([top]),
        slope=np.zeros(1),
        shares=np.full((1, virions), 0.2),
    )
    counts = np.ones((1, len(scores)))
    for _ in range(_STEPS if len(scores) else 0):
        _step(fits, counts, scores, latitudes, owners)
    return PeakMixture(
        noise_mean=float(fits.noise_mean[0]),
        spread=float(fits.spread[0]),
        spike_mean=(float(fits.base[0]), float(fits.slope[0])),
        shares=fits.shares[0],
    )


class _Fits:
    """Several mixtures of the same peaks, drawn anew for each; one number a mixture, (draws,)."""

    def __init__(
        self,
        *,
        noise_mean: NDArray[np.float64],
        spread: NDArray[np.float64],
        base: NDArray[np.float64],
        slope: NDArray[np.float64],
        shares: NDArray[np.float64],
    ) -> None:
        self.noise_mean = noise_mean
        self.spread = spread
        self.base = base
        self.slope = slope
        self.shares = shares  # (draws, virions)


def _known_noise(scores: NDArray[np.float64], decoys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of noise: decoys, or the lower half of the peaks."""
    if len(decoys) >= _FEWEST_DECOYS:
        return decoys
    half = np.sort(scores)[: len(scores) // 2 + 1]
    return half if len(half) else np.array([0.0, 1.0])


def _noise(
    known: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and spread of rows of scores of noise (draws, n)."""
    middle, above = np.quantile(known, (0.5, _ONE_ABOVE), axis=1)
    # Not the standard deviation: other things than noise are in the way of the decoy too.
    return middle, np.maximum(above - middle, 1e-9)


def _chances(
    fits: _Fits,
    scores: NDArray[np.float64],
    latitudes: NDArray[np.float64],
    owners: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Chance of each peak to be a spike, in each mixture, (draws, n)."""
    mean = fits.base[:, None] + fits.slope[:, None] * latitudes
    noise = (scores - fits.noise_mean[:, None]) / fits.spread[:, None]
    spike = (scores - mean) / fits.spread[:, None]
    shares = fits.shares[:, owners]
    odds = (noise**2 - spike**2) / 2 + np.log(shares / (1 - shares))
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))))


def _step(
    fits: _Fits,
    counts: NDArray[np.float64],
    scores: NDArray[np.float64],
    latitudes: NDArray[np.float64],
    owners: NDArray[np.int64],
) -> None:
    """One step of expectation and maximisation; noise stays what the decoys say."""
    chances = counts * _chances(fits, scores, latitudes, owners)
    total = np.maximum(chances.sum(axis=1), 1e-9)
    # Weighted regression on latitude. A slope needs spikes at all latitudes: few are doubted.
    middle = chances @ latitudes / total
    height = chances @ scores / total
    across = chances @ latitudes**2 - total * middle**2
    along = chances @ (latitudes * scores) - total * middle * height
    slope = along / (np.maximum(across, 0) + _FLATNESS / 12)
    least = fits.noise_mean + _LEAST_APART * fits.spread
    fits.base = np.maximum(height - slope * middle, least)
    fits.slope = np.maximum(slope, least - fits.base)
    virions = fits.shares.shape[1]
    member = np.zeros((len(owners), virions))
    member[np.arange(len(owners)), owners] = 1
    spikes, peaks = chances @ member, counts @ member
    pooled = spikes.sum(axis=1) / np.maximum(peaks.sum(axis=1), 1e-9)
    shares = (spikes + _DOUBT * pooled[:, None]) / (peaks + _DOUBT)
    fits.shares = np.clip(shares, 1e-6, 1 - 1e-6)


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class SpikeCounts:
    """Spikes of each virion.

    Args:
        estimates: Expected number, on all of its membrane, shape (virions,).
        lows: Lower ends of the intervals.
        highs: Upper ends.
    """

    estimates: Float64[np.ndarray, " virions"]
    lows: Int64[np.ndarray, " virions"]
    highs: Int64[np.ndarray, " virions"]


def counted(
    mixture: PeakMixture,
    scores: Float64[np.ndarray, " n"],
    latitudes: Float64[np.ndarray, " n"],
    owners: Int64[np.ndarray, " n"],
    decoys: Float64[np.ndarray, " decoys"],
    *,
    seen: Float64[np.ndarray, " virions"],
    confidence: float,
    seed: int,
) -> SpikeCounts:
    """How many spikes each virion has, with an interval.

    Three things are uncertain, and drawn: what noise and spikes look like (peaks and decoys are
    drawn anew, with replacement), which peaks are spikes, and how many spikes stand where nothing
    is seen, as densely as elsewhere on this virion.

    Args:
        mixture: That of these peaks.
        scores: Of the peaks of all virions.
        latitudes: Square of the sine of their latitude.
        owners: Virion of each peak.
        decoys: Scores of the peaks of the decoys.
        seen: Share of each virion's shell that is seen.
        confidence: How often an interval should hold the number.
        seed: Of what is drawn.

    Returns:
        The counts.
    """
    generator = np.random.default_rng(seed)
    virions = len(seen)
    shares = np.clip(seen, 0.05, 1.0)
    chances = mixture.chances(scores, latitudes, owners)
    known = _known_noise(scores, decoys)
    drawn = known[generator.integers(0, len(known), (_DRAWS, len(known)))]
    fits = _repeated(mixture, *_noise(drawn))
    number = len(scores)
    counts = generator.multinomial(number, np.full(number, 1 / max(number, 1)), _DRAWS)
    for _ in range(_STEPS_AGAIN if number else 0):
        _step(fits, counts.astype(np.float64), scores, latitudes, owners)
    are = generator.random((_DRAWS, number)) < _chances(fits, scores, latitudes, owners)
    found = np.stack([are[:, owners == virion].sum(axis=1) for virion in range(virions)], axis=1)
    draws = found + generator.negative_binomial(found + 0.5, shares)
    tail = (1 - confidence) / 2
    low = np.quantile(draws, tail, axis=0, method="inverted_cdf")
    high = np.quantile(draws, 1 - tail, axis=0, method="inverted_cdf")
    return SpikeCounts(
        estimates=np.bincount(owners, chances, virions) / shares,
        lows=low.astype(np.int64),
        highs=high.astype(np.int64),
    )


def _repeated(
    mixture: PeakMixture, noise_mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> _Fits:
    """A mixture to begin with, for every drawn noise."""
    one = np.ones(len(noise_mean))
    return _Fits(
        noise_mean=noise_mean,
        spread=spread,
        base=mixture.spike_mean[0] * one,
        slope=mixture.spike_mean[1] * one,
        shares=np.repeat(mixture.shares[np.newaxis], len(noise_mean), axis=0),
    )
