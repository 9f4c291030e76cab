"""Few weighted codes that stand for many: k-means of volumes that do not fit in memory.

Each tile is summed up by micro-clusters, each a mean and how many voxels it stands for. Those of
all tiles together are clustered as if they were the volume. Centres that suit them suit the volume:
what moves is only which side of a boundary the rim of a micro-cluster is counted on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from .lloyd import Lloyd, Threads, assign, squared_distances, threads
from .seeding import plus_plus
from .space import FARTHEST, FlatSpace, HyperbolicSpace, Space

MOST_POINTS = 2**16
"""Codes that stand for a volume, at most."""

_MOST_OF_TILE = 1024
_LEAST_OF_TILE = 128
_STEPS = 3  # of Lloyd's iteration, on a sample
_SAMPLED = 16  # codes of a sample for each micro-cluster of it
_LEAST_SAMPLE = 1024
_BLOCK = 2**16  # codes times clusters, at a time, of a few bytes each: they stay in the cache


@final
@dataclass(frozen=True)
class Coreset:
    """Weighted codes that stand for others.

    Args:
        codes: Tangent vectors at the origin, shape ``(points, dim)``; there may be none.
        weights: How many codes each stands for, shape ``(points,)``.
    """

    codes: NDArray[np.float32]
    weights: NDArray[np.float64]

    @classmethod
    def merged(
        cls, parts: Sequence["Coreset"], *, most: int, curvature: float, seed: int
    ) -> "Coreset":
        """What stands for all that some coresets stand for.

        Weights are whole numbers, so that their sum stays what it was, exactly. The order of the
        parts changes nothing. Where there are at most `most` codes, all are kept, so that merges
        may be nested in any way; where there are more, nesting costs another rounding to means.

        Args:
            parts: At least one, of codes of one dimension.
            most: Codes to leave, at most.
            curvature: Sectional curvature κ ≤ 0 of the codes' space.
            seed: Seed of what is drawn.

        Returns:
            The coreset, its codes in lexical order.
        """
        codes = np.concatenate([part.codes for part in parts])
        weights = np.concatenate([part.weights for part in parts])
        codes, weights = _once(codes, weights)
        if len(codes) <= most:
            return cls(codes, weights)
        return cls(*_once(*_means(codes, weights, most, curvature, seed)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return {"codes": self.codes, "weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Coreset":
        """What `arrays` gave; other arrays are not looked at."""
        return cls(arrays["codes"], arrays["weights"])


def coreset_of(
    codes: Float32[np.ndarray, "voxels dim"], *, most: int, curvature: float, seed: int
) -> Coreset:
    """Few weighted codes that stand for those of a tile.

    Args:
        codes: Tangent vectors at the origin, shape ``(voxels, dim)``; there may be none.
        most: Codes to leave, at most.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.
        seed: Seed of what is drawn; the result depends on it and on the codes alone.

    Returns:
        At most `most` codes; the codes themselves, each once, where no more differ.

    Source:
        Merging and reducing as in Har-Peled & Mazumdar (2004), On coresets for k-means and
        k-median clustering (https://sarielhp.org/p/03/kcoreset/); samples to start from as in
        Bachem, Lucic & Krause (2018), algorithm 1, https://arxiv.org/abs/1702.08248. Means in
        place of samples, and their number, are measured, not proven.
    """
    few = some_distinct(codes, most + 1)
    if len(few) <= most:
        return Coreset(*_once(codes, np.ones(len(codes))))
    return Coreset(*_once(*_means(codes, np.ones(len(codes)), most, curvature, seed)))


def most_points(tile_voxels: int, volume_voxels: int) -> int:
    """How many codes may stand for a tile.

    Args:
        tile_voxels: Voxels of the tile.
        volume_voxels: Voxels of the volume.

    Returns:
        A share of `MOST_POINTS`, within bounds.
    """
    share = math.ceil(MOST_POINTS * tile_voxels / volume_voxels)
    return min(max(share, _LEAST_OF_TILE), _MOST_OF_TILE)


def some_distinct(
    codes: Float32[np.ndarray, "voxels dim"], most: int
) -> Float32[np.ndarray, "points dim"]:
    """Some codes that differ from each other.

    Args:
        codes: Shape ``(voxels, dim)``.
        most: How many are wanted.

    Returns:
        So many, or all that there are.
    """
    # Nearly always the first few are enough; only where they are not, all are sorted.
    size = 4 * most
    while True:
        found = _once(codes[:size], np.ones(len(codes[:size])))[0]
        if len(found) >= most or size >= len(codes):
            return found[:most]
        size *= 16


def _once(
    codes: NDArray[np.float32], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Every code once, in lexical order, with the sum of its weights."""
    if not len(codes):
        return codes, weights
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    return ordered[new], np.add.reduceat(weights[order], np.flatnonzero(new))


def _means(
    codes: NDArray[np.float32],
    weights: NDArray[np.float64],
    most: int,
    curvature: float,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Means of at most so many micro-clusters, and the weight of each."""
    root = (-curvature) ** 0.5 if curvature < 0 else 1.0
    scaled = _scaled(codes, root) if curvature < 0 else codes
    space = HyperbolicSpace() if curvature < 0 else FlatSpace(_mean(codes, weights))
    first = max(1, math.isqrt(most))
    found, sums = [], []
    with threads(1) as workers:
        draw = _Draw(space, np.random.default_rng(seed), workers)
        centres, spread = draw.centres(scaled, weights, first)
        owner = _nearest(space, scaled, centres)
        # As many as a quantiser of the least error has where codes are evenly dense (Zador).
        shares = spread ** (codes.shape[1] / (codes.shape[1] + 2))
        parts = 1 + np.floor(shares / max(shares.sum(), 1e-300) * (most - first)).astype(int)
        members = np.split(
            np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner, minlength=first))[:-1]
        )
        for count, some in zip(parts.tolist(), members, strict=True):
            mine, heavy = draw.means(scaled[some], weights[some], count)
            found.append(mine)
            sums.append(heavy)
    return (np.concatenate(found) / root).astype(np.float32), np.concatenate(sums)


@final
class _Draw:
    """Micro-clusters of a sample.

    Args:
        space: The space of the codes.
        generator: Where the randomness comes from.
        workers: Threads.
    """

    def __init__(self, space: Space, generator: np.random.Generator, workers: Threads) -> None:
        self._space = space
        self._generator = generator
        self._workers = workers

    def centres(
        self, codes: NDArray[np.float32], weights: NDArray[np.float64], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres (count, dim), and the sum of squared distances to each, (count,)."""
        some, heavy = self._sample(codes, weights, max(_LEAST_SAMPLE, _SAMPLED * count))
        centres = plus_plus(self._space, some, heavy, count, self._generator)
        lloyd = Lloyd(self._space, some, heavy, self._workers)
        for _ in range(_STEPS):
            centres = lloyd.step(centres).centres
        owner, squared = assign(self._space, some, centres, self._workers)
        spread = np.bincount(owner, heavy * squared, minlength=count)
        return centres, np.asarray(spread, np.float64)

    def means(
        self, codes: NDArray[np.float32], weights: NDArray[np.float64], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means (means, dim) of at most `count` micro-clusters of all codes, and their weights."""
        if len(codes) <= count:
            return codes.astype(np.float64), weights
        centres, _ = self.centres(codes, weights, count)
        owner = _nearest(self._space, codes, centres)
        sums = np.asarray(np.bincount(owner, weights, minlength=count), np.float64)
        means = Lloyd(self._space, codes, weights, self._workers).step(centres).centres
        return means[sums > 0], sums[sums > 0]

    def _sample(
        self, codes: NDArray[np.float32], weights: NDArray[np.float64], size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Codes drawn half evenly, half by their squared distance to the middle, and weights."""
        if len(codes) <= size:
            return codes, weights
        middle = _mean(codes, weights)[None]
        far = weights * assign(self._space, codes, middle, self._workers)[1]
        chances = weights / weights.sum() + far / max(far.sum(), 1e-300)
        running = np.cumsum(chances)
        places = self._generator.random(size) * running[-1]
        drawn = np.minimum(np.searchsorted(running, places, side="right"), len(codes) - 1)
        return codes[drawn], weights[drawn] / chances[drawn]


def _nearest(
    space: Space, codes: NDArray[np.float32], centres: NDArray[np.float64]
) -> NDArray[np.intp]:
    """The centre that is nearest to every code, as nearly as products tell, shape (points,)."""
    farthest = max(float(codes.max()), -float(codes.min())) * codes.shape[1] ** 0.5
    single = space.holds(centres, np.float32, farthest=farthest)
    fast = single or space.holds(centres, np.float64, farthest=FARTHEST)
    covectors: NDArray[np.floating] = space.covectors(centres).T
    if single:
        covectors = covectors.astype(np.float32)
    found = np.empty(len(codes), np.intp)
    size = max(1, _BLOCK // len(centres))
    for start in range(0, len(codes), size):
        block = codes[start : start + size]
        if fast:
            # Codes down, centres across: the least of a row is found many times as fast.
            products = space.features(block, covectors.dtype).T @ covectors
            found[start : start + size] = np.argmin(products, axis=1)
        else:
            found[start : start + size] = squared_distances(space, block, centres).argmin(axis=0)
    return found


def _scaled(codes: NDArray[np.float32], root: float) -> NDArray[np.float32]:
    """Codes in units of 1/√−κ, none beyond what float64 can lift, shape (points, dim)."""
    scaled = codes * np.float32(root)
    size = np.linalg.norm(scaled.astype(np.float64), axis=1, keepdims=True)
    if size.max() <= FARTHEST:
        return scaled
    return np.asarray(scaled * (FARTHEST / np.maximum(size, FARTHEST)), np.float32)


def _mean(codes: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the coordinates of codes, shape (dim,)."""
    return np.asarray(weights @ codes / weights.sum())
