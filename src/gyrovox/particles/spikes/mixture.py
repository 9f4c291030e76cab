"""How many of the peaks of a score are spikes, and how many spikes may have been missed.

Peaks of the shell of spikes are a mixture of spikes and of noise. What noise looks like is learned
from a decoy: the same score in a shell so far out that no spike reaches it. What is not noise is
taken for spikes, whose scores are normal about a mean that may change with latitude, because of
the missing wedge, and as spread as those of noise.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray
from scipy.special import expit, ndtri
from scipy.stats import chi2

_STEPS = 80
_STEPS_AGAIN = 50  # for peaks that are drawn anew
_HIGHEST = 0.95  # share of the peaks below the first guess at what spikes score
_FIRST_SHARE = 0.2
_FEWEST_DECOYS = 12
_LEAST_APART = 2.0  # standard deviations of noise, between noise and spikes
_ONE_ABOVE = 0.8413  # share of a normal distribution below one standard deviation
_DOUBT = 4.0  # peaks that a virion's share of spikes is drawn to that of all by
_FLATNESS = 3.0  # spikes at a pole that a slope with latitude is doubted by
_FEWEST_KNOWN = 3.0  # spikes that tell what spikes score
_DRAWS = 400
_NORMAL = ndtri((np.arange(200) + 0.5) / 200)  # a standard normal distribution, evenly


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class ScoredPeaks:
    """Peaks, and how much like spikes they look.

    Args:
        scores: Shape (n,), larger is more like a spike.
        latitudes: Square of the sine of their latitude, 0 at the equator, 1 at the poles.
        owners: Virion of each peak.
    """

    scores: Float64[np.ndarray, " n"]
    latitudes: Float64[np.ndarray, " n"]
    owners: Int64[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.scores)

    def chosen(self, kept: Bool[np.ndarray, " n"]) -> "ScoredPeaks":
        """Some of the peaks."""
        return ScoredPeaks(
            scores=self.scores[kept], latitudes=self.latitudes[kept], owners=self.owners[kept]
        )


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Room:
    """How much shell there is for peaks.

    Args:
        seen: Share of each virion's shell of spikes that is seen, shape (virions,).
        areas_nm2: Area of what is seen of each.
        decoy_nm2: Area that the decoys were found in.
        footprint_nm2: Area around a spike in which nothing else has a peak of its own.
    """

    seen: Float64[np.ndarray, " virions"]
    areas_nm2: Float64[np.ndarray, " virions"]
    decoy_nm2: float
    footprint_nm2: float

    def free_nm2(self, spikes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Area between so many spikes, on what is seen of each virion."""
        return np.maximum(self.areas_nm2 - self.footprint_nm2 * spikes, 0.0)


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

    def chances(self, peaks: ScoredPeaks) -> Float64[np.ndarray, " n"]:
        """Chance of each peak to be no noise, from 0 to 1, shape (n,)."""
        return np.asarray(_chances(self._fits(), peaks)[0])

    def detectability(self, latitude: float) -> float:
        """Share of the spikes of a latitude whose peaks are likelier spikes than noise.

        Args:
            latitude: Square of the sine of the latitude.

        Returns:
            A number from 0 to 1, of a virion with the mean share of spikes.
        """
        mean = self.spike_mean[0] + self.spike_mean[1] * latitude
        fits = self._fits()
        fits.shares = fits.shares.mean(axis=1, keepdims=True)
        drawn = ScoredPeaks(
            scores=mean + self.spread * _NORMAL,
            latitudes=np.full(len(_NORMAL), latitude),
            owners=np.zeros(len(_NORMAL), np.int64),
        )
        return float((_chances(fits, drawn)[0] > 0.5).mean())

    def _fits(self) -> "_Fits":
        return _Fits(
            noise_mean=np.array([self.noise_mean]),
            spread=np.array([self.spread]),
            base=np.array([self.spike_mean[0]]),
            slope=np.array([self.spike_mean[1]]),
            shares=self.shares[np.newaxis].copy(),
        )


def fit_mixture(peaks: ScoredPeaks, decoys: ScoredPeaks, *, virions: int) -> PeakMixture:
    """What noise and spikes look like among peaks, by expectation and maximisation.

    Args:
        peaks: Those of the shell of spikes.
        decoys: Those of the decoy; where there are too few, the lower half of `peaks` stands for
            them.
        virions: How many there are.

    Returns:
        The mixture.

    Source:
        Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM
        algorithm; decoys as in Elias & Gygi (2007). https://doi.org/10.1038/nmeth1019
    """
    fits = _started(peaks, *_noise(_known_noise(peaks, decoys).scores[np.newaxis]), virions)
    counts = np.ones((1, len(peaks)))
    for _ in range(_STEPS if len(peaks) else 0):
        _step(fits, counts, peaks)
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


def _known_noise(peaks: ScoredPeaks, decoys: ScoredPeaks) -> ScoredPeaks:
    """Peaks of noise: decoys, or the lower half of the peaks."""
    if len(decoys) >= _FEWEST_DECOYS:
        return decoys
    if not len(peaks):
        nothing = np.array([0.0, 1.0])
        return ScoredPeaks(scores=nothing, latitudes=0 * nothing, owners=np.zeros(2, np.int64))
    return peaks.chosen(peaks.scores <= np.median(peaks.scores))


def _noise(
    known: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and spread of rows of scores of noise (draws, n)."""
    middle, above = np.quantile(known, (0.5, _ONE_ABOVE), axis=1)
    # Not the standard deviation: other things than noise are in the way of the decoy too.
    return middle, np.maximum(above - middle, 1e-9)


def _chances(fits: _Fits, peaks: ScoredPeaks) -> NDArray[np.float64]:
    """Chance of each peak to be a spike, in each mixture, (draws, n)."""
    mean = fits.base[:, None] + fits.slope[:, None] * peaks.latitudes
    noise = (peaks.scores - fits.noise_mean[:, None]) / fits.spread[:, None]
    spike = (peaks.scores - mean) / fits.spread[:, None]
    shares = fits.shares[:, peaks.owners]
    odds = (noise**2 - spike**2) / 2 + np.log(shares / (1 - shares))
    return np.asarray(expit(odds))


def _step(fits: _Fits, counts: NDArray[np.float64], peaks: ScoredPeaks) -> None:
    """One step of expectation and maximisation; noise stays what the decoys say."""
    scores, latitudes = peaks.scores, peaks.latitudes
    chances = counts * _chances(fits, peaks)
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
    member = np.eye(fits.shares.shape[1])[peaks.owners]
    spikes, every = chances @ member, counts @ member
    pooled = spikes.sum(axis=1) / np.maximum(every.sum(axis=1), 1e-9)
    shares = (spikes + _DOUBT * pooled[:, None]) / (every + _DOUBT)
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
    peaks: ScoredPeaks,
    decoys: ScoredPeaks,
    room: Room,
    *,
    confidence: float,
    seed: int,
) -> SpikeCounts:
    """How many spikes each virion has, with an interval.

    What is no noise is a spike, or something else that floats there. The decoy shows how much of
    that is on an area, and as much is taken off for the area between the spikes.

    Four things are uncertain, and drawn: what noise and spikes look like (peaks and decoys are
    drawn anew, with replacement), which peaks are noise, how many other things there are, and how
    many spikes stand where nothing is seen, as densely as elsewhere on this virion.

    Args:
        mixture: That of these peaks.
        peaks: Those of all virions.
        decoys: Those of the decoys.
        room: How much shell there is.
        confidence: How often an interval should hold the number.
        seed: Of what is drawn.

    Returns:
        The counts.
    """
    shares = np.clip(room.seen, 0.05, 1.0)
    one = mixture._fits()
    dense = _chances(one, peaks) @ np.eye(len(shares))[peaks.owners]
    weight = np.ones((1, len(decoys)))
    others = _others_per_nm2(one, decoys, weight, room)[:, None] * room.free_nm2(dense)
    draws = _drawn_counts(peaks, decoys, room, shares, np.random.default_rng(seed))
    tail = (1 - confidence) / 2
    low = np.quantile(draws, tail, axis=0, method="inverted_cdf")
    high = np.quantile(draws, 1 - tail, axis=0, method="inverted_cdf")
    if dense.sum() < _FEWEST_KNOWN:  # drawing anew would draw the same nothing
        most = np.floor((_most_spikes(one, peaks, confidence) - others[0]) / shares)
        high = np.maximum(high, most)
    return SpikeCounts(
        estimates=np.maximum(dense - others, 0.0)[0] / shares,
        lows=low.astype(np.int64),
        highs=high.astype(np.int64),
    )


def _most_spikes(fits: _Fits, peaks: ScoredPeaks, confidence: float) -> NDArray[np.float64]:
    """The largest number of spikes of each virion that its peaks do not rule out, (virions,).

    The largest share s whose log-likelihood Σ log(1 - s + s · odds) is no farther below the best
    than half of χ² of one degree of freedom. Spikes score no more than they must: of too few,
    nobody knows what they score.
    """
    noise = (peaks.scores - fits.noise_mean[0]) / fits.spread[0]
    odds = np.exp(np.clip((noise**2 - (noise - _LEAST_APART) ** 2) / 2, -50, 50))
    grid = np.linspace(0, 0.99, 199)[:, np.newaxis]
    slack = chi2.ppf(confidence, 1) / 2
    most = np.zeros(fits.shares.shape[1])
    for virion in range(len(most)):
        mine = odds[peaks.owners == virion]
        likelihood = np.log(1 - grid + grid * mine).sum(axis=1)
        most[virion] = grid[likelihood >= likelihood.max() - slack].max() * len(mine)
    return most


def _drawn_counts(
    peaks: ScoredPeaks,
    decoys: ScoredPeaks,
    room: Room,
    shares: NDArray[np.float64],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Numbers of spikes that peaks and decoys drawn anew speak for, (draws, virions)."""
    virions, number = len(shares), len(peaks)
    known = _known_noise(peaks, decoys)
    rows = generator.integers(0, len(known), (_DRAWS, len(known)))
    # From the start, not from what was fitted: where that is one of two ways to see the peaks, the
    # interval holds both.
    fits = _started(peaks, *_noise(known.scores[rows]), virions)
    counts = generator.multinomial(number, np.full(number, 1 / max(number, 1)), _DRAWS)
    for _ in range(_STEPS_AGAIN if number else 0):
        _step(fits, counts.astype(np.float64), peaks)
    are = generator.random((_DRAWS, number)) < _chances(fits, peaks)
    found = are.astype(np.float64) @ np.eye(virions)[peaks.owners]
    even = np.full(len(decoys), 1 / max(len(decoys), 1))
    rates = _others_per_nm2(fits, decoys, generator.multinomial(len(decoys), even, _DRAWS), room)
    floating = generator.poisson(rates[:, None] * room.free_nm2(found))
    spikes = np.maximum(found - floating, 0).astype(np.int64)
    return np.asarray(spikes + generator.negative_binomial(spikes + 0.5, shares))


def _others_per_nm2(
    fits: _Fits, decoys: ScoredPeaks, counts: NDArray[Any], room: Room
) -> NDArray[np.float64]:
    """What is neither noise nor spike, on an area, shape (draws,): decoys beyond normal noise."""
    if len(decoys) < _FEWEST_DECOYS or room.decoy_nm2 <= 0:
        return np.zeros(len(fits.spread))
    everything = (counts * _chances(fits, decoys)).sum(axis=1)
    # Noise itself has chances above 0, as many as spikes have below 1: it is not to be taken off.
    mean = fits.base + fits.slope * float(decoys.latitudes.mean())
    apart = ((mean - fits.noise_mean) / fits.spread)[:, None]
    share = fits.shares.mean(axis=1, keepdims=True)
    odds = apart * _NORMAL - apart**2 / 2 + np.log(share / (1 - share))
    noise = expit(odds).mean(axis=1)
    return np.asarray(np.maximum(everything - counts.sum(axis=1) * noise, 0.0) / room.decoy_nm2)


def _started(
    peaks: ScoredPeaks,
    noise_mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    virions: int,
) -> _Fits:
    """Mixtures to begin with: spikes are the highest peaks."""
    top = float(np.quantile(peaks.scores, _HIGHEST)) if len(peaks) else 0.0
    return _Fits(
        noise_mean=noise_mean,
        spread=spread,
        base=np.maximum(top, noise_mean + 3 * spread),
        slope=np.zeros(len(noise_mean)),
        shares=np.full((len(noise_mean), virions), _FIRST_SHARE),
    )
