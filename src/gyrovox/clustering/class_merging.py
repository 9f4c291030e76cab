"""Merging of regions wherever they lie, so that many objects of one kind become one class."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.region_graph import RegionGraph

EXPONENT = 0.8
"""How the cost of a merge grows with the harmonic size of its regions."""

APART = 64.0
"""How many times as much it costs to merge regions that do not touch."""


@final
class ClassMerger:
    """Merges the cheapest pair of regions, again and again, until one is left.

    The cost is (a b / (a + b))^0.8 (1 − exp(−d² / D²)) for sizes a, b and a distance d of the
    means, and 64 times as much for regions that do not touch. D² is the mean of d² over all
    boundaries, by their area. So it counts how sure it is that two regions differ, not by how
    much: regions of one kind merge first, and of those that are plainly different the smallest
    goes first, into what surrounds it.

    Args:
        graph: Regions, up to a few thousand: time and memory grow with their square.
    """

    def __init__(self, graph: RegionGraph) -> None:
        count = len(graph.sizes)
        self._sizes = graph.sizes.copy()
        self._means = graph.sums / graph.sizes[:, None]
        self._touch = np.zeros((count, count), dtype=bool)
        self._touch[graph.edges[:, 0], graph.edges[:, 1]] = True
        self._touch |= self._touch.T
        self._saturation = _typical_square(graph, self._means)
        self._costs = np.stack([self._costs_of(region) for region in range(count)])

    def merge(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Merge all regions.

        Returns:
            Children of every merge, in order, shape ``(regions - 1, 2)``, where merge i makes
            node ``regions + i``; and their costs, never decreasing, shape ``(regions - 1,)``.
        """
        count = len(self._sizes)
        node = np.arange(count)
        nearest = self._costs.argmin(axis=1)
        least = self._costs[np.arange(count), nearest]
        children = np.empty((count - 1, 2), np.intp)
        costs = np.empty(count - 1)
        for step in range(count - 1):
            one = int(least.argmin())
            other = int(nearest[one])
            children[step] = sorted((node[one], node[other]))
            costs[step] = least[one]
            node[one] = count + step
            self._unite(one, other)
            least[other] = np.inf
            cost = self._costs[one]
            # Whose cheapest partner is gone or has changed must look again; others may have found
            # a cheaper one in the union.
            stale = (nearest == other) | (nearest == one)
            stale[one] = True
            stale[other] = False
            stale &= np.isfinite(self._sizes)
            better = (cost < least) & ~stale
            nearest[better], least[better] = one, cost[better]
            rows = np.flatnonzero(stale)
            nearest[rows] = self._costs[rows].argmin(axis=1)
            least[rows] = self._costs[rows, nearest[rows]]
        return children, np.maximum.accumulate(costs)

    def _unite(self, one: int, other: int) -> None:
        """Make one region of two; the other is gone."""
        total = self._sizes[one] + self._sizes[other]
        share = self._sizes[other] / total
        self._means[one] += share * (self._means[other] - self._means[one])
        self._sizes[one] = total
        self._sizes[other] = np.inf
        self._touch[one] |= self._touch[other]
        self._touch[:, one] |= self._touch[:, other]
        self._costs[other] = np.inf
        self._costs[:, other] = np.inf
        self._costs[one] = self._costs_of(one)
        self._costs[:, one] = self._costs[one]

    def _costs_of(self, region: int) -> NDArray[np.float64]:
        """What it costs to merge a region with every other; infinite for itself and those gone."""
        squares = ((self._means - self._means[region]) ** 2).sum(axis=1)
        here = self._sizes[region]
        gone = np.isinf(self._sizes)
        sizes = np.where(gone, 1.0, self._sizes)
        cost = (here * sizes / (here + sizes)) ** EXPONENT * -np.expm1(-squares / self._saturation)
        cost *= np.where(self._touch[region], 1.0, APART)
        cost[gone] = np.inf
        cost[region] = np.inf
        return np.asarray(cost)


def _typical_square(graph: RegionGraph, means: NDArray[np.float64]) -> float:
    """Mean squared distance of touching regions, by the area they share; 1 where none touch."""
    squares = ((means[graph.edges[:, 0]] - means[graph.edges[:, 1]]) ** 2).sum(axis=1)
    typical = float((squares * graph.lengths).sum() / max(graph.lengths.sum(), 1e-30))
    return typical if typical > 0 else 1.0
