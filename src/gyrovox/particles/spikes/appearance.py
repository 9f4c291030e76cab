"""What spikes look like, learned from peaks of which nobody has said which ones are spikes.

Spikes of a tomogram look alike; noise and what floats around do not. A linear discriminant of the
peaks' profiles is fitted between peaks that are taken for spikes and decoys, peaks are scored by
it, and by their scores taken for spikes anew, until nothing changes.
"""

from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from jaxtyping import Float64, Int64

from .mixture import PeakMixture, ScoredPeaks, fit_mixture

_ROUNDS = 8
_FOLDS = 5
_SHRINKAGE = 0.2
_FIRST = 0.95  # share of decoys that peaks must surpass to be the first to be taken for spikes
_FEWEST = 4.0  # spikes that a look can be learned from


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class PeakScores:
    """How much like spikes peaks look.

    Args:
        candidates: The peaks.
        decoys: The decoys.
        mixture: What spikes and noise are among these scores.
    """

    candidates: ScoredPeaks = field(repr=False)
    decoys: ScoredPeaks = field(repr=False)
    mixture: PeakMixture


def scored_by_density(candidates: ScoredPeaks, decoys: ScoredPeaks, *, virions: int) -> PeakScores:
    """Scores that are the peaks' densities themselves.

    Args:
        candidates: The peaks, with their densities for scores.
        decoys: The decoys, likewise.
        virions: How many there are.

    Returns:
        The scores.
    """
    mixture = fit_mixture(candidates, decoys, virions=virions)
    return PeakScores(candidates=candidates, decoys=decoys, mixture=mixture)


def scored_by_profile(
    candidates: Float64[np.ndarray, "n features"],
    decoys: Float64[np.ndarray, "decoys features"],
    *,
    first: PeakScores,
    start: Float64[np.ndarray, " n"] | None = None,
    seed: int,
) -> PeakScores:
    """Scores by how the peaks look, learned without labels.

    No peak is scored by a discriminant that it helped to fit, so that scores of noise stay noise.

    Args:
        candidates: Profiles of the peaks.
        decoys: Profiles of the decoys.
        first: Scores of the same peaks and decoys, which tell which ones to take for spikes first:
            those that surpass decoys.
        start: Which peaks may be among them, from 0 to 1; None for all.
        seed: Of the folds.

    Returns:
        The scores; `first` where too few peaks surpass the decoys to learn from.

    Source:
        Fisher (1936), The use of multiple measurements in taxonomic problems; the way of
        iterating: McLachlan (1975), https://doi.org/10.1080/01621459.1975.10479874
    """
    if len(decoys) < 2 * _FOLDS or len(candidates) < 2 * _FOLDS:
        return first
    generator = np.random.default_rng(seed)
    folds = generator.permutation(len(candidates)) % _FOLDS
    decoy_folds = generator.permutation(len(decoys)) % _FOLDS
    surpassed = np.quantile(first.decoys.scores, _FIRST)
    chances = (first.candidates.scores > surpassed).astype(np.float64)
    if start is not None and (chances * start).sum() >= _FEWEST:
        chances = chances * start
    scores = first
    for _ in range(_ROUNDS):
        if chances.sum() < _FEWEST:
            return first
        found = _cross_scored(candidates, decoys, chances, folds, decoy_folds)
        peaks = replace(first.candidates, scores=found[0])
        noise = replace(first.decoys, scores=found[1])
        mixture = fit_mixture(peaks, noise, virions=len(first.mixture.shares))
        scores = PeakScores(candidates=peaks, decoys=noise, mixture=mixture)
        chances = mixture.chances(peaks)
    return scores if chances.sum() >= _FEWEST else first


def _cross_scored(
    candidates: Float64[np.ndarray, "n features"],
    decoys: Float64[np.ndarray, "decoys features"],
    chances: Float64[np.ndarray, " n"],
    folds: Int64[np.ndarray, " n"],
    decoy_folds: Int64[np.ndarray, " decoys"],
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " decoys"]]:
    """Scores of each fold by the discriminant of the others."""
    scores, decoy_scores = np.zeros(len(candidates)), np.zeros(len(decoys))
    for fold in range(_FOLDS):
        others, other_decoys = folds != fold, decoy_folds != fold
        everything = np.concatenate([candidates[others], decoys[other_decoys]])
        noise = np.concatenate([1 - chances[others], np.ones(int(other_decoys.sum()))])
        axis, middle = _discriminant(candidates[others], chances[others], everything, noise)
        scores[~others] = candidates[~others] @ axis - middle
        decoy_scores[~other_decoys] = decoys[~other_decoys] @ axis - middle
    return scores, decoy_scores


def _discriminant(
    spikes: Float64[np.ndarray, "n features"],
    chances: Float64[np.ndarray, " n"],
    noises: Float64[np.ndarray, "m features"],
    weights: Float64[np.ndarray, " m"],
) -> tuple[Float64[np.ndarray, " features"], float]:
    """The axis that tells two weighted groups apart best, and where their middle lies on it."""
    one = (chances @ spikes) / max(float(chances.sum()), 1e-9)
    other = (weights @ noises) / max(float(weights.sum()), 1e-9)
    gap, noise = spikes - one, noises - other
    scatter = (chances[:, None] * gap).T @ gap + (weights[:, None] * noise).T @ noise
    scatter /= max(float(chances.sum() + weights.sum()), 1e-9)
    # A few dozen spikes know few covariances: these are shrunk, variances are kept.
    held = (1 - _SHRINKAGE) * scatter + _SHRINKAGE * np.diag(np.diag(scatter))
    held += 1e-9 * (float(np.trace(held)) / len(held) + 1e-12) * np.eye(len(held))
    axis = np.linalg.solve(held, one - other)
    # One standard deviation within the groups is 1.
    axis /= max(float(np.sqrt(axis @ held @ axis)), 1e-12)
    return axis, float(axis @ (one + other) / 2)
