"""How many of the peaks of a score are spikes, and how many spikes may have been missed.

Peaks of the shell of spikes are a mixture of spikes and of noise. What noise looks like is learned
from a decoy: the same score in a shell so far out that no spike reaches it. What is not noise is
taken for spikes, whose scores are normal about a mean that may change with latitude, because of
the missing wedge.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

_STEPS = 60
_FEWEST_DECOYS = 12
_LEAST_APART = 2.0  # standard deviations of noise, between noise and spikes
_ONE_ABOVE = 0.8413  # share of a normal distribution below one standard deviation
_DRAWS = 400


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class PeakMixture:
    """Noise and spikes among peaks.

    Args:
        noise_mean: Mean score of peaks of noise.
        noise_spread: Standard deviation of the higher half of them.
        spike_mean: Mean score of spikes at the equator, and what is added to it at the poles.
        spike_spread: Standard deviation of the scores of spikes of one latitude.
        share: Share of the peaks that are spikes.
    """

    noise_mean: float
    noise_spread: float
    spike_mean: tuple[float, float]
    spike_spread: float
    share: float

    def chances(
        self, scores: Float64[np.ndarray, " n"], latitudes: Float64[np.ndarray, " n"]
    ) -> Float64[np.ndarray, " n"]:
        """Chance of each peak to be a spike.

        Args:
            scores: Of the peaks.
            latitudes: Square of the sine of their latitude, 0 at the equator, 1 at the poles.

        Returns:
            Numbers from 0 to 1, shape (n,).
        """
        # The lower tail of spikes is wider than that of noise, and means nothing: the surer a peak,
        # the likelier a spike.
        known = np.maximum(scores, self.noise_mean)
        noise = _log_normal(known, self.noise_mean, self.noise_spread)
        mean = self.spike_mean[0] + self.spike_mean[1] * latitudes
        spike = _log_normal(known, mean, self.spike_spread)
        odds = np.log(max(self.share, 1e-9)) + spike - np.log(max(1 - self.share, 1e-9)) - noise
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -50, 50))))

    def detectability(self, latitude: float) -> float:
        """Share of the spikes of a latitude whose peaks are likelier spikes than noise.

        Args:
            latitude: Square of the sine of the latitude.

        Returns:
            A number from 0 to 1.
        """
        mean = self.spike_mean[0] + self.spike_mean[1] * latitude
        scores = mean + self.spike_spread * np.linspace(-3, 3, 121)
        weights = np.exp(-(np.linspace(-3, 3, 121) ** 2) / 2)
        sure = self.chances(scores, np.full(121, latitude)) > 0.5
        return float((weights * sure).sum() / weights.sum())


def fit_mixture(
    scores: Float64[np.ndarray, " n"],
    latitudes: Float64[np.ndarray, " n"],
    decoys: Float64[np.ndarray, " decoys"],
    *,
    start: PeakMixture | None = None,
    steps: int = _STEPS,
) -> PeakMixture:
    """What noise and spikes look like among peaks, by expectation and maximisation.

    Args:
        scores: Of the peaks of the shell of spikes.
        latitudes: Square of the sine of their latitude.
        decoys: Scores of the peaks of the decoy; where there are too few, the lower half of
            `scores` stands for them.
        start: Where to begin; None for the highest tenth of the scores.
        steps: Iterations.

    Returns:
        The mixture.

    Source:
        Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM
        algorithm; decoys as in Elias & Gygi (2007). https://doi.org/10.1038/nmeth1019
    """
    known = decoys if len(decoys) >= _FEWEST_DECOYS else np.sort(scores)[: len(scores) // 2 + 1]
    middle = float(np.median(known)) if len(known) else 0.0
    # Not the standard deviation: other things than noise are in the way of the decoy too.
    spread = float(np.quantile(known, _ONE_ABOVE)) - middle if len(known) else 1.0
    spread = max(spread, 1e-9)
    if start is None:
        top = float(np.quantile(scores, 0.95)) if len(scores) else middle
        top = max(top, middle + 3 * spread)
        start = PeakMixture(
            noise_mean=middle,
            noise_spread=spread,
            spike_mean=(top, 0.0),
            spike_spread=max(spread, (top - middle) / 4),
            share=0.2,
        )
    mixture = PeakMixture(
        noise_mean=middle,
        noise_spread=spread,
        spike_mean=start.spike_mean,
        spike_spread=max(start.spike_spread, spread),
        share=start.share,
    )
    for _ in range(steps if len(scores) else 0):
        mixture = _stepped(mixture, scores, latitudes)
    return mixture


def _stepped(
    mixture: PeakMixture,
    scores: Float64[np.ndarray, " n"],
    latitudes: Float64[np.ndarray, " n"],
) -> PeakMixture:
    """One step of expectation and maximisation; noise stays what the decoys say."""
    chances = mixture.chances(scores, latitudes)
    total = float(chances.sum())
    least = mixture.noise_mean + _LEAST_APART * mixture.noise_spread
    design = np.stack([np.ones_like(latitudes), latitudes], axis=1)
    weighted = design * chances[:, np.newaxis]
    # A slope needs spikes at all latitudes: without any, none is believed.
    doubt = np.diag([1e-6, 3.0])
    base, slope = np.linalg.solve(weighted.T @ design + doubt, weighted.T @ scores)
    base = max(float(base), least)
    slope = max(float(slope), least - base)
    gap = scores - base - slope * latitudes
    spread = float(np.sqrt((chances * gap**2).sum() / max(total, 1e-9)))
    return PeakMixture(
        noise_mean=mixture.noise_mean,
        noise_spread=mixture.noise_spread,
        spike_mean=(base, slope),
        # Never narrower than noise, which is added to every spike.
        spike_spread=max(spread, mixture.noise_spread),
        share=min(max(total / len(scores), 1e-6), 1 - 1e-6),
    )


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
    fitted = fit_mixture(scores, latitudes, decoys)
    virions = len(seen)
    shares = np.clip(seen, 0.05, 1.0)
    estimates = np.bincount(owners, fitted.chances(scores, latitudes), virions) / shares
    draws = np.empty((_DRAWS, virions), np.int64)
    for draw in range(_DRAWS):
        some = generator.integers(0, max(len(scores), 1), len(scores))
        noise = decoys[generator.integers(0, max(len(decoys), 1), len(decoys))]
        again = fit_mixture(scores[some], latitudes[some], noise, start=fitted, steps=12)
        are = generator.random(len(scores)) < again.chances(scores, latitudes)
        found = np.bincount(owners[are], minlength=virions)
        draws[draw] = found + generator.negative_binomial(found + 0.5, shares)
    tail = (1 - confidence) / 2
    low = np.quantile(draws, tail, axis=0, method="inverted_cdf")
    high = np.quantile(draws, 1 - tail, axis=0, method="inverted_cdf")
    return SpikeCounts(estimates=estimates, lows=low.astype(np.int64), highs=high.astype(np.int64))


def _log_normal(
    scores: Float64[np.ndarray, " n"], mean: Float64[np.ndarray, " n"] | float, spread: float
) -> Float64[np.ndarray, " n"]:
    """Logarithm of a normal density, but for a constant."""
    return np.asarray(-(((scores - mean) / spread) ** 2) / 2 - np.log(spread))
