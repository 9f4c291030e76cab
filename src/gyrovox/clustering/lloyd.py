"""One Lloyd iteration: every point to its nearest centre, every centre to the mean of its points.

The two are fused: a block of points that fits the cache is assigned and summed before the next
is read, and nothing as large as (points, clusters) is ever written.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .space import FARTHEST, Space

# Products of points and centres held at once by a thread: measured the best of 2^16 to 2^21 on two
# threads, which wait for each other (the interpreter lock) around every block; no worse on one.
_BLOCK_VALUES = 1 << 20
_MANY_ROWS = 8
_LARGEST_FLOAT32_COUNT = 64


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
        size = max(1024, _BLOCK_VALUES // clusters)
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
        self._weights = weights
        self._workers = workers
        self._features: NDArray[np.floating] | None = None
        self._farthest = max(float(codes.max()), -float(codes.min())) * codes.shape[1] ** 0.5
        self._dtypes = sorted({codes.dtype, np.dtype(np.float64)}, key=lambda kind: kind.itemsize)

    def step(self, centres: NDArray[np.float64]) -> Step:
        """One iteration from these centres, shape (clusters, dim)."""
        if len(centres) > _LARGEST_FLOAT32_COUNT:
            self._dtypes = [np.dtype(np.float64)]
        for dtype in tuple(self._dtypes):
            # Rounding of the norm must not count as lying beyond what float64 lifts.
            farthest = min(self._farthest, FARTHEST) if dtype == np.float64 else self._farthest
            if self._space.holds(centres, dtype, farthest=farthest):
                return self._fast_step(centres, dtype)
            # Not to come back: codes would be lifted anew at every turn.
            self._dtypes = [np.dtype(np.float64)]
        return self._stable_step(centres)

    def _fast_step(self, centres: NDArray[np.float64], dtype: np.dtype[np.floating]) -> Step:
        if self._features is None or self._features.dtype != dtype:
            self._features = self._space.features(self._codes, dtype)
        features, clusters, dim = self._features, len(centres), centres.shape[1]
        covectors = self._space.covectors(centres).astype(dtype)
        weights = None if self._weights is None else self._weights.astype(dtype)

        def work(block: slice) -> tuple[NDArray[np.floating], float]:
            part = features[:, block]
            members, product = _nearest(covectors @ part)
            pull, squared = self._space.pull(product, part)
            if weights is not None:
                pull = weights[block] if pull is None else pull * weights[block]
                squared = squared * weights[block]
            rows = part[: dim + 1] if pull is None else part[: dim + 1] * pull
            return _summed(members, rows), float(squared.sum())

        found = self._workers.map(work, features.shape[1], clusters)
        sums = np.stack([part for part, _ in found]).sum(axis=0, dtype=np.float64)
        empty = sums[:, dim] == 0
        moved = centres.copy()
        moved[~empty] = self._space.centres_of(sums[~empty])
        return Step(moved, empty, float(sum(part for _, part in found)))

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
        return Step(moved, empty, float(weights @ squared))


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


def _nearest(
    products: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Membership 0 / 1 (clusters, points) and least products (points,) of (clusters, points)."""
    # The cluster's number goes into the last bits of its product. One pass of minima then finds
    # the product and the cluster, no two are equal, and no pass of argmin (10 times slower) is
    # needed. Positive floats order as integers do; the bits lost are below the products' own error.
    clusters = len(products)
    bits = products.view(np.int32 if products.dtype == np.float32 else np.int64)
    low = (1 << (clusters - 1).bit_length()) - 1
    np.bitwise_and(bits, bits.dtype.type(~low), out=bits)
    np.bitwise_or(bits, np.arange(clusters, dtype=bits.dtype)[:, None], out=bits)
    least = np.minimum.reduce(bits, axis=0)
    np.copyto(products, np.equal(bits, least))
    return products, least.view(products.dtype)


def _summed(members: NDArray[np.floating], rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Sums of the rows (rows, points) over each cluster, shape (clusters, rows)."""
    if len(rows) > _MANY_ROWS:
        return np.asarray(members @ rows.T)
    # OpenBLAS takes 3 times as long for a product with so few rows as for its rows one by one.
    return np.stack([members @ row for row in rows], axis=1)
