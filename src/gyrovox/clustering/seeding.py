"""Where k-means starts: k-means++ with distances of the space."""

import math

import numpy as np
from numpy.typing import NDArray

from .lloyd import squared_distances
from .space import Space


def plus_plus(
    space: Space,
    codes: NDArray[np.floating],
    weights: NDArray[np.float64],
    clusters: int,
    generator: np.random.Generator,
) -> NDArray[np.float64]:
    """Centres among the codes, each drawn by its squared distance to those before it.

    Of a few draws at each turn the one that lowers the sum most is kept.

    Args:
        space: The space of the codes.
        codes: In units of the space, shape (points, dim).
        weights: Weights > 0, shape (points,).
        clusters: How many.
        generator: Where the randomness comes from.

    Returns:
        Centres, shape (clusters, dim). Fewer distinct ones where there are fewer distinct codes.

    Source:
        Arthur & Vassilvitskii (2007), section 2.2; greedy as in scikit-learn.
        https://dl.acm.org/doi/10.5555/1283383.1283494
    """
    draws = 2 + int(math.log(clusters))
    chosen = [_drawn(weights, 1, generator)[0]]
    nearest = squared_distances(space, codes, _at(codes, chosen))[0]
    for _ in range(1, clusters):
        candidates = _drawn(weights * nearest, draws, generator)
        left = np.minimum(squared_distances(space, codes, _at(codes, candidates)), nearest)
        best = int(np.argmin(left @ weights))
        chosen.append(candidates[best])
        nearest = left[best]
    return _at(codes, chosen)


def farthest(
    space: Space,
    codes: NDArray[np.floating],
    squared: NDArray[np.float64],
    count: int,
) -> NDArray[np.float64]:
    """New centres for clusters that lost their points: the codes farthest from all centres.

    Args:
        space: The space of the codes.
        codes: In units of the space, shape (points, dim).
        squared: Squared distances to the nearest centre, shape (points,).
        count: How many.

    Returns:
        Centres, shape (count, dim), each as far as can be from those before it.
    """
    chosen: list[int] = []
    for _ in range(count):
        chosen.append(int(np.argmax(squared)))
        squared = np.minimum(squared, squared_distances(space, codes, _at(codes, chosen[-1:]))[0])
    return _at(codes, chosen)


def _at(codes: NDArray[np.floating], chosen: list[int]) -> NDArray[np.float64]:
    return codes[chosen].astype(np.float64)


def _drawn(chances: NDArray[np.float64], count: int, generator: np.random.Generator) -> list[int]:
    """Indices drawn in proportion to chances, uniform where all are 0."""
    running = np.cumsum(chances)
    if not running[-1] > 0:
        return [int(index) for index in generator.integers(0, len(chances), count)]
    found = np.searchsorted(running, generator.random(count) * running[-1], side="right")
    return [min(int(index), len(chances) - 1) for index in found]
