"""Numbers of classes along a slider: each step to the right is a share more, not one more."""

import math
from dataclasses import dataclass
from typing import final

STEPS = 1000
"""Positions that the slider of the levels has, and one."""


@final
@dataclass(frozen=True)
class LevelScale:
    """Numbers of classes on a logarithmic scale, from the fewest to one per leaf.

    Args:
        n_leaves: Leaves of the tree, at least 1.
    """

    n_leaves: int

    @property
    def fewest(self) -> int:
        """Number of classes at the left end: 2, or 1 where the tree is a single leaf."""
        return min(2, self.n_leaves)

    def position(self, classes: int) -> int:
        """Where a number of classes lies, from 0 to `STEPS`; beyond the ends, at the ends."""
        if self.n_leaves <= self.fewest:
            return 0
        within = min(max(classes, self.fewest), self.n_leaves)
        return round(STEPS * math.log(within / self.fewest) / self._span)

    def classes(self, position: int) -> int:
        """The number of classes at a position: that whose logarithm is nearest."""
        if self.n_leaves <= self.fewest:
            return self.fewest
        within = min(max(position, 0), STEPS) / STEPS
        return min(self.n_leaves, round(self.fewest * math.exp(within * self._span)))

    @property
    def _span(self) -> float:
        return math.log(self.n_leaves / self.fewest)
