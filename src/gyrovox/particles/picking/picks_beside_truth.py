"""How many particles were found, and how many of the found are some."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from gyrovox.errors import ParticleError
from gyrovox.volumes import ParticleTable

_PICKS_A_PARTICLE = 4  # at the lowest threshold that is tried: F1 is 0.4 there at most


@final
@dataclass(frozen=True)
class PickCounts:
    """Counts of particles, of one tomogram or of several together.

    Args:
        hits: Picks that lie in a particle of their own.
        picks: All picks.
        particles: All particles that there are.
    """

    hits: int = 0
    picks: int = 0
    particles: int = 0

    def __add__(self, other: "PickCounts") -> "PickCounts":
        return PickCounts(
            self.hits + other.hits, self.picks + other.picks, self.particles + other.particles
        )

    @property
    def precision(self) -> float:
        """Share of the picks that are hits; 1 without a pick."""
        return self.hits / self.picks if self.picks else 1.0

    @property
    def recall(self) -> float:
        """Share of the particles that were hit; 1 where there are none."""
        return self.hits / self.particles if self.particles else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: hits over the mean of picks and particles."""
        every = self.picks + self.particles
        return 2 * self.hits / every if every else 1.0


def counted_picks(picks: ParticleTable, truth: ParticleTable, *, within: float = 0.5) -> PickCounts:
    """Count the picks that lie near a particle's centre, each particle once.

    Of all ways to give particles to picks, the one with the most hits, and among those the one
    with the smallest distances, counts.

    Args:
        picks: What was found.
        truth: What is there, with diameters.
        within: Farthest a pick may be from the centre, as a share of the particle's radius.

    Returns:
        The counts.

    Raises:
        ParticleError: If the truth has no diameters.
    """
    if truth.diameters_nm is None:
        raise ParticleError(
            "particles must have diameters to tell which picks hit them, and these have none."
        )
    shares = _shares_of_radius(picks.positions_nm, truth.positions_nm, truth.diameters_nm)
    # What is too far costs more than all hits together, so that none is given up for a near one.
    costs = np.where(shares <= within, shares, 1e6)
    rows, columns = linear_sum_assignment(costs)
    hits = int((shares[rows, columns] <= within).sum())
    return PickCounts(hits, len(picks), len(truth))


def best_threshold(
    found: "list[tuple[ParticleTable, ParticleTable]]", *, within: float = 0.5
) -> tuple[float, PickCounts]:
    """The threshold on scores that gives the best F1 over several tomograms.

    Args:
        found: Picks with scores, and truth, of each tomogram.
        within: As of `counted_picks`.

    Returns:
        The threshold, in the middle of those that are as good: as far as may be from the scores of
        what it keeps and of what it leaves; and the counts with it.

    Raises:
        ParticleError: If no tomogram has a pick, or picks have no scores.
    """
    every = [picks.scores for picks, _ in found if picks.scores is not None and len(picks)]
    if not every:
        raise ParticleError("a threshold needs picks with scores, and there are none.")
    # Each step is the lowest score that is kept; any threshold down to the step before does so. Of
    # many more picks than particles, hardly any could be hits.
    particles = sum(len(truth) for _, truth in found)
    steps = np.unique(np.concatenate(every))[-_PICKS_A_PARTICLE * max(1, particles) :]
    counts = [_counts_above(found, float(step), within) for step in steps]
    best = np.array([one.f1 for one in counts])
    first = int(best.argmax())
    last = first
    while last + 1 < len(steps) and best[last + 1] == best[first]:
        last += 1
    below = steps[first - 1] if first else steps[first]
    return float(below + steps[last]) / 2, counts[first]


def _counts_above(
    found: "list[tuple[ParticleTable, ParticleTable]]", threshold: float, within: float
) -> PickCounts:
    """Counts of all tomograms with a threshold."""
    counts = PickCounts()
    for picks, truth in found:
        counts += counted_picks(above(picks, threshold), truth, within=within)
    return counts


def above(picks: ParticleTable, threshold: float) -> ParticleTable:
    """The picks whose score is at least `threshold`.

    Args:
        picks: What was found, with scores.
        threshold: Lowest score that counts.

    Returns:
        Those picks, in their order.

    Raises:
        ParticleError: If they have no scores.
    """
    if picks.scores is None:
        raise ParticleError("picks must have scores to be told by them, and these have none.")
    return picks.chosen(np.flatnonzero(picks.scores >= threshold))


def _shares_of_radius(
    picks: Float64[np.ndarray, "n 3"],
    centres: Float64[np.ndarray, "m 3"],
    diameters: Float64[np.ndarray, " m"],
) -> Float64[np.ndarray, "n m"]:
    shares: Float64[np.ndarray, "n m"] = cdist(picks, centres) / (diameters / 2)
    return shares
