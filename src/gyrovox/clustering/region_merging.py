"""Merging of regions, cheapest pair first: touching ones into objects, objects into classes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.region_graph import RegionGraph

SIZE_EXPONENT = 0.8
"""How the cost of a merge grows with the harmonic size of its regions."""

FACE_EXPONENT = 0.6
"""How the cost of a merge falls with the area that its regions share."""

APART = 64.0
"""How many times as much it costs to make one class of regions that do not touch."""

_NEVER_FIRST = 1e6  # times as much for objects: parts of a mask are joined when all else is
_LEAST_AREA = 1e-3


MergingCost = Callable[
    [NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]
]
"""What merging costs: of harmonic sizes a b / (a + b), squared distances of means and shared
faces (0 where two do not touch) of pairs, each of shape ``(pairs,)``, to costs, ``(pairs,)``."""


def object_cost(
    sizes: NDArray[np.float64], squares: NDArray[np.float64], areas: NDArray[np.float64]
) -> NDArray[np.float64]:
    """h^0.8 d² / area^0.6: evidence that two regions are two objects, per face between them.

    Between that of Ward, h d², and that of scale sets, h d² / area, which gives up compact specks
    before ragged pieces of noise. Regions that do not touch cost a million times as much.

    Args:
        sizes: Harmonic sizes h of the pairs, shape ``(pairs,)``.
        squares: Squared distances d² of their means, shape ``(pairs,)``.
        areas: Faces that they share, 0 where they do not touch, shape ``(pairs,)``.

    Returns:
        Costs, shape ``(pairs,)``.
    """
    shared = np.maximum(areas, _LEAST_AREA)
    cost = sizes**SIZE_EXPONENT * squares / shared**FACE_EXPONENT
    return np.where(areas > 0, cost, cost * _NEVER_FIRST)


@final
@dataclass(frozen=True)
class ClassCost:
    """h^0.8 log(1 + d² / D²), and 64 times as much for regions that do not touch.

    It grows little once two regions plainly differ: regions of one kind merge first, and of those
    that are of different kinds the smallest goes first, into what it touches and is most like.

    Args:
        typical_square: D², squared distance of the means of two regions that plainly differ.
    """

    typical_square: float

    def __call__(
        self,
        sizes: NDArray[np.float64],
        squares: NDArray[np.float64],
        areas: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Costs of pairs, as `MergingCost` says."""
        cost = sizes**SIZE_EXPONENT * np.log1p(squares / self.typical_square)
        return np.where(areas > 0, cost, cost * APART)

    @classmethod
    def of(cls, graph: RegionGraph) -> "ClassCost":
        """The cost with D² as the mean of d² over all boundaries of a graph, by their area.

        Args:
            graph: Regions; where none touch, or none differ, D² is 1.

        Returns:
            The cost.
        """
        means = graph.sums / graph.sizes[:, None]
        squares = ((means[graph.edges[:, 0]] - means[graph.edges[:, 1]]) ** 2).sum(axis=1)
        typical = float((squares * graph.lengths).sum() / max(graph.lengths.sum(), 1e-30))
        return cls(typical if typical > 0 else 1.0)


@final
class RegionMerger:
    """Merges the cheapest pair of regions, again and again, until one is left.

    Args:
        graph: Regions, up to a few thousand: time and memory grow with their square.
        cost: What merging two of them costs.
    """

    def __init__(self, graph: RegionGraph, cost: MergingCost) -> None:
        count = len(graph.sizes)
        self._cost = cost
        self._sizes = graph.sizes.copy()
        self._means = graph.sums / graph.sizes[:, None]
        self._areas = np.zeros((count, count))
        self._areas[graph.edges[:, 0], graph.edges[:, 1]] = graph.lengths
        self._areas += self._areas.T
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
        self._areas[one] += self._areas[other]
        self._areas[one, [one, other]] = 0
        self._areas[:, one] = self._areas[one]
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
        cost = self._cost(here * sizes / (here + sizes), squares, self._areas[region])
        cost[gone] = np.inf
        cost[region] = np.inf
        return np.asarray(cost)
