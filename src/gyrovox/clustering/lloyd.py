"""One Lloyd iteration: every point to its nearest centre, every centre to the mean of its points.

The two are fused: a block of points that fits the cache is assigned and summed before the next
is read, and nothing as large as (points, clusters) is ever written.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .space import FARTHEST, Space

# Products of points and centres held at once by a thread: measured the best of 2^16 to 2^21 on two
# threads, which wait for each other (the interpreter lock) around every block; no worse on one.
_BLOCK_VALUES = 1 << 20
# What is done for each cluster of a block costs about as much as this many points.
_LEAST_POINTS_PER_CLUSTER = 16


Result = TypeVar("Result")


@dataclass(frozen=True)
class Step:
    """What one iteration found."""

    centres: NDArray[np.float64]
    """The next centres, shape (clusters, dim); an empty cluster keeps its own."""

    empty: NDArray[np.bool_]
    """Clusters without points, shape (clusters,)."""

    inertia: float
    """Weighted sum of squared distances to the centres that the iteration started from."""


class Threads:
    """Workers that go through blocks in parallel; what they return is in the blocks' order.

    Args:
        count: Number of threads.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def map(self, work: Callable[[slice], Result], points: int, clusters: int) -> list[Result]:
        """Results of all blocks of points, first to last."""
        # No power of 2, at which the rows of a product take each other's place in the cache.
        size = max(1024, _BLOCK_VALUES // max(8, clusters), _LEAST_POINTS_PER_CLUSTER * clusters)
        size += 48 - size % 1024
        blocks = [slice(start, min(start + size, points)) for start in range(0, points, size)]
        if self._pool is None or len(blocks) < 2 * self._count:
            return [work(block) for block in blocks]
        return list(self._pool.map(work, blocks))

    def close(self) -> None:
        """Let the workers go."""
        if self._pool is not None:
            self._pool.shutdown()


@contextmanager
def threads(count: int) -> Iterator[Threads]:
    """Threads for a while, with matrix products of one thread each inside them."""
    workers = Threads(count)
    with threadpool_limits(1, user_api="blas"):
        try:
            yield workers
        finally:
            workers.close()


class Lloyd:
    """Lloyd iterations over one set of codes.

    The codes of a block are kept in the order of the cluster that they are at home in, so that most
    of a cluster's sum is that of a run of codes, and only those that left home are looked at one by
    one. What is found depends on no order but in its rounding.

    Args:
        space: The space of the codes.
        codes: In units of the space, shape (points, dim), float32 or float64: the precision of
            the products, as far as they hold. Sums and centres are float64.
        weights: Weights > 0 of the codes, shape (points,); None for 1.
        workers: Threads.
    """

    def __init__(
        self,
        space: Space,
        codes: NDArray[np.floating],
        weights: NDArray[np.float64] | None,
        workers: Threads,
    ) -> None:
        self._space = space
        self._codes = codes
        # Counted in the largest, so that float32 holds them.
        self._unit = 1.0 if weights is None else float(weights.max())
        self._weights = None if weights is None else weights / self._unit
        self._workers = workers
        self._blocks: dict[int, _Block] = {}
        self._lifted: np.dtype[np.floating] | None = None
        self._farthest = max(float(codes.max()), -float(codes.min())) * codes.shape[1] ** 0.5
        self._dtypes = sorted({codes.dtype, np.dtype(np.float64)}, key=lambda kind: kind.itemsize)

    def step(self, centres: NDArray[np.float64]) -> Step:
        """One iteration from these centres, shape (clusters, dim)."""
        for dtype in tuple(self._dtypes):
            # Rounding of the norm must not count as lying beyond what float64 lifts.
            farthest = min(self._farthest, FARTHEST) if dtype == np.float64 else self._farthest
            if self._space.holds(centres, dtype, farthest=farthest):
                return self._fast_step(centres, dtype)
            # Not to come back: codes would be lifted anew at every turn.
            self._dtypes = [np.dtype(np.float64)]
        return self._stable_step(centres)

    def _fast_step(self, centres: NDArray[np.float64], dtype: np.dtype[np.floating]) -> Step:
        if self._lifted != dtype:
            self._blocks, self._lifted = {}, dtype
        covectors = self._space.covectors(centres).astype(dtype)

        def work(where: slice) -> tuple[NDArray[np.float64], float]:
            if where.start not in self._blocks:
                features = self._space.features(self._codes[where], dtype)
                weights = None if self._weights is None else self._weights[where].astype(dtype)
                self._blocks[where.start] = _Block(self._space, features, weights)
            return self._blocks[where.start].sums(covectors)

        clusters, dim = centres.shape
        found = self._workers.map(work, len(self._codes), clusters)
        sums = np.stack([part for part, _ in found]).sum(axis=0)
        empty = sums[:, dim] == 0
        moved = centres.copy()
        moved[~empty] = self._space.centres_of(sums[~empty])
        return Step(moved, empty, self._unit * sum(part for _, part in found))

    def _stable_step(self, centres: NDArray[np.float64]) -> Step:
        codes = self._codes.astype(np.float64)
        weights = np.ones(len(codes)) if self._weights is None else self._weights
        labels, squared = assign(self._space, codes, centres, self._workers)
        moved = centres.copy()
        empty = np.ones(len(centres), dtype=np.bool_)
        for label in np.unique(labels):
            members = labels == label
            empty[label] = False
            moved[label] = self._space.stable_centre(
                codes[members], weights[members], centres[label]
            )
        return Step(moved, empty, self._unit * float(weights @ squared))


def assign(
    space: Space,
    codes: NDArray[np.floating],
    centres: NDArray[np.float64],
    workers: Threads,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Nearest centre of every code, the first of equals, and its squared distance, in float64.

    Args:
        space: The space of the codes.
        codes: In units of the space, shape (points, dim).
        centres: Shape (clusters, dim).
        workers: Threads.

    Returns:
        Labels and squared distances, each of shape (points,).
    """

    def work(block: slice) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        squared = squared_distances(space, codes[block], centres)
        labels = squared.argmin(axis=0).astype(np.int32)
        return labels, np.take_along_axis(squared, labels[None], axis=0)[0]

    found = workers.map(work, len(codes), len(centres))
    return (
        np.concatenate([labels for labels, _ in found]),
        np.concatenate([squared for _, squared in found]),
    )


def squared_distances(
    space: Space, codes: NDArray[np.floating], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squared distances of codes (points, dim) to centres, float64, shape (clusters, points)."""
    if space.holds(centres, np.float64, farthest=FARTHEST):
        features = space.features(codes, np.float64)
        squared = space.squared_distance(space.covectors(centres) @ features, features)
        return squared.astype(np.float64, copy=False)
    exact = codes.astype(np.float64)
    return np.stack([space.stable_squared_distance(exact, centre) for centre in centres])


class _Block:
    """Codes that fit the cache, ordered by their cluster.

    Args:
        space: The space of the codes.
        features: Of the codes, shape (features, points); ordered in place.
        weights: Weights > 0 of the codes, shape (points,), ordered in place; None for 1.
    """

    def __init__(
        self, space: Space, features: NDArray[np.floating], weights: NDArray[np.floating] | None
    ) -> None:
        self._space = space
        self._features = features
        self._weights = weights
        # Cluster j holds the codes from the j-th of these to the next, and each code's label is j.
        self._bounds = [0]
        self._labels = np.empty(0, np.uint8)

    def sums(self, covectors: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
        """Weighted sums of features (clusters, dim + 1) by nearest centre, and the inertia."""
        least = self._assign(covectors @ self._features)
        pull, squared = self._space.pull(least, self._features)
        if self._weights is not None:
            pull = self._weights if pull is None else pull * self._weights
            squared = squared * self._weights
        pull = np.ones_like(squared) if pull is None else pull
        rows = self._features[:-1]
        # The codes of a cluster lie side by side, so that no sum has to pick them.
        sums = [rows[:, start:end] @ pull[start:end] for start, end in pairwise(self._bounds)]
        return np.array(sums, dtype=np.float64), float(squared.sum())

    def _assign(self, products: NDArray[np.floating]) -> NDArray[np.floating]:
        """Order the codes by their least product of (clusters, points); returns these, (points,).

        A code stays in its cluster where another is as near.
        """
        clusters, points = products.shape
        if len(self._bounds) != clusters + 1:
            self._bounds = [0, *[points] * clusters]
            self._labels = np.zeros(points, np.min_scalar_type(clusters - 1))
        least: NDArray[np.floating] = np.minimum.reduce(products, axis=0)
        left = np.empty(points, dtype=np.bool_)
        for row, (start, end) in zip(products, pairwise(self._bounds), strict=True):
            np.less(least[start:end], row[start:end], out=left[start:end])
        leaving = np.flatnonzero(left)
        if len(leaving):
            there = products.take(leaving, axis=1)
            self._relabel(leaving, _first_equal(there, least[leaving]), left)
            self._reorder(np.flatnonzero(left), least)
        return least

    def _relabel(
        self,
        leaving: NDArray[np.intp],
        labels: NDArray[np.unsignedinteger],
        misplaced: NDArray[np.bool_],
    ) -> None:
        """Give new labels, and add to `misplaced` (points,) what falls to another cluster."""
        clusters = len(self._bounds) - 1
        sizes = np.diff(self._bounds)
        sizes -= np.bincount(self._labels[leaving], minlength=clusters)
        sizes += np.bincount(labels, minlength=clusters)
        self._labels[leaving] = labels
        bounds = [0, *np.cumsum(sizes).tolist()]
        for before, now in zip(self._bounds, bounds, strict=True):
            misplaced[min(before, now) : max(before, now)] = True
        self._bounds = bounds

    def _reorder(self, misplaced: NDArray[np.intp], least: NDArray[np.floating]) -> None:
        """Let codes change places, and `least` (points,) with them; all others lie right."""
        labels = self._labels[misplaced]
        order = np.argsort(labels, kind="stable")
        self._labels[misplaced] = labels[order]
        source = misplaced[order]
        weights = [] if self._weights is None else [self._weights]
        for row in (*self._features, *weights, least):
            row[misplaced] = row.take(source)


def _first_equal(
    products: NDArray[np.floating], least: NDArray[np.floating]
) -> NDArray[np.unsignedinteger]:
    """The first row of (clusters, points) that equals its least one (points,), shape (points,)."""
    # Not argmin, which goes down the columns: 10 times slower. The first row counts the most.
    last = len(products) - 1
    kind = np.min_scalar_type(last)
    value = np.arange(last, -1, -1).astype(kind)[:, None]
    found = np.maximum.reduce(np.equal(products, least) * value, axis=0)
    return np.asarray(kind.type(last) - found, kind)
