"""One Lloyd iteration: every point to its nearest centre, every centre to the mean of its points.

The two are fused: a block of points that fits the cache is assigned and summed before the next
is read, and nothing as large as (points, clusters) is ever written.
"""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .space import FARTHEST, Space

# Products of points and centres held at once by a thread. Measured: fewer leave two threads waiting
# for each other (the interpreter lock) around every call, more leave the cache.
_BLOCK_VALUES = 1 << 19
# So that 2 and 4 threads finish together.
_BLOCKS_MULTIPLE = 4
# Points whose sums are one matrix product: 3 times faster than one for a whole block, which packs
# its long thin factors first. No power of 2, at which rows take each other's place in the cache.
_TILE = 1008
# Rows of tiles start where a vector register does.
_TILE_MULTIPLE = 16


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
        count = -(-points // max(1024, _BLOCK_VALUES // max(8, clusters)))
        if count > 1:
            count += -count % _BLOCKS_MULTIPLE
        size = -(-points // max(count, 1))
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
    """Threads for a while, with numpy's and torch's work of one thread each inside them."""
    workers = Threads(count)
    before = torch.get_num_threads()
    with threadpool_limits(1, user_api="blas"):
        # Threads that are new to torch take the number that was set last.
        torch.set_num_threads(1)
        try:
            yield workers
        finally:
            workers.close()
            torch.set_num_threads(before)


class Lloyd:
    """Lloyd iterations over one set of codes.

    The lifted codes are kept from one iteration to the next; nothing else is, so an iteration takes
    as long from far centres as from near ones.

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
        self._scratch = _Scratch()
        self._lifted: tuple[np.dtype[np.floating], int] | None = None
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
        if self._lifted != (dtype, len(centres)):  # as large as blocks are for so many clusters
            self._blocks, self._lifted = {}, (dtype, len(centres))
        covectors = self._space.covectors(centres).astype(dtype)

        def work(where: slice) -> tuple[NDArray[np.float64], float]:
            if where.start not in self._blocks:
                features = self._space.features(self._codes[where], dtype)
                weights = None if self._weights is None else self._weights[where].astype(dtype)
                self._blocks[where.start] = _Block(self._space, features, weights)
            return self._blocks[where.start].sums(covectors, self._scratch)

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


class _Scratch(threading.local):
    """Memory that a thread writes to at every block: fresh pages cost as much as a product."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.floating]] = {}

    def array(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype[np.floating]
    ) -> NDArray[np.floating]:
        """An array of this shape with anything in it, valid until the name is asked for again."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.size < size or held.dtype != dtype:
            held = self._held[name] = np.empty(size, dtype)
        return held[:size].reshape(shape)


class _Block:
    """Codes that fit the cache, in tiles of one small matrix product each.

    Args:
        space: The space of the codes.
        features: Of the codes, shape (features, points).
        weights: Weights > 0 of the codes, shape (points,); None for 1.
    """

    def __init__(
        self, space: Space, features: NDArray[np.floating], weights: NDArray[np.floating] | None
    ) -> None:
        self._space = space
        rows, points = features.shape
        count = -(-points // _TILE)
        width = -(-points // count)
        width += -width % _TILE_MULTIPLE
        missing = count * width - points
        if missing and weights is None:
            weights = np.ones(points, features.dtype)
        # The last tile is filled with codes of weight 0.
        filled = np.pad(features, ((0, 0), (0, missing)), mode="edge")
        tiles = filled.reshape(rows, count, width).swapaxes(0, 1)
        self._tiles = np.ascontiguousarray(tiles)
        self._weights = None
        if weights is not None:
            self._weights = np.pad(weights, (0, missing)).reshape(count, width)

    def sums(
        self, covectors: NDArray[np.floating], scratch: _Scratch
    ) -> tuple[NDArray[np.float64], float]:
        """Weighted sums of features (clusters, dim + 1) by nearest centre, and the inertia."""
        count, rows, width = self._tiles.shape
        kind = self._tiles.dtype
        nearest = scratch.array("nearest", (count, len(covectors), width), kind)
        np.matmul(covectors, self._tiles, out=nearest)
        least = np.minimum.reduce(nearest, axis=1)
        # 1 for the nearest, 0 for the others, over the products; numpy has no such call.
        torch.from_numpy(nearest).eq_(torch.from_numpy(least)[:, None])
        pull, squared = self._space.pull(least, self._tiles.swapaxes(0, 1))
        if self._weights is not None:
            pull = self._weights if pull is None else pull * self._weights
            squared = squared * self._weights
        pulled = scratch.array("pulled", (count, rows, width), kind)
        np.multiply(self._tiles[:, :-1], 1 if pull is None else pull[:, None], out=pulled[:, :-1])
        pulled[:, -1] = 1  # counts
        sums = _sums_over_tiles(nearest, pulled)
        if sums[:, -1].sum() > count * width:
            _keep_first(nearest)
            sums = _sums_over_tiles(nearest, pulled)
        return sums[:, :-1], float(squared.sum())


def _sums_over_tiles(
    nearest: NDArray[np.floating], pulled: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Sums (clusters, rows) of (tiles, rows, width) where (tiles, clusters, width) is 1."""
    return np.asarray((nearest @ pulled.swapaxes(1, 2)).sum(axis=0, dtype=np.float64))


def _keep_first(nearest: NDArray[np.floating]) -> None:
    """Leave the first 1 of every column of (tiles, clusters, width), which has at least one."""
    np.maximum.accumulate(nearest, axis=1, out=nearest)
    nearest[:, 1:] -= nearest[:, :-1].copy()
