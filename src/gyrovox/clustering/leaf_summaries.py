"""Codes of the leaves of a tree, summed up tile by tile so that tiles can be put together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray

from gyrovox.geometry import manifold

_STEPS = 3  # towards the mean; each leaves about the cube of the spread
_BLOCK = 2**15  # voxels at a time: what they need stays in the cache
_EXACT = 1e8  # product of heights on the hyperboloid up to which a boost keeps eight digits
_FARTHEST = 300.0  # beyond it the hyperbolic sine would overflow


@final
@dataclass(frozen=True, kw_only=True)
class LeafCodes:
    """What is known of the codes of some leaves in a part of a volume.

    Args:
        counts: Voxels of every leaf, shape ``(leaves,)``.
        interiors: How many of them are in its interior, shape ``(leaves,)``.
        means: Fréchet mean of the codes of its interior, or of all where it has none, shape
            ``(leaves, dim)``.
        shifts: Mean of all its codes as seen from that mean, shape ``(leaves, dim)``.
        squares: Mean squared distance of all its codes to that mean, shape ``(leaves,)``.
    """

    counts: NDArray[np.int64]
    interiors: NDArray[np.int64]
    means: NDArray[np.float64]
    shifts: NDArray[np.float64]
    squares: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return {f"codes_{name}": array for name, array in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LeafCodes":
        """What `arrays` gave; other arrays are not looked at."""
        return cls(
            counts=arrays["codes_counts"],
            interiors=arrays["codes_interiors"],
            means=arrays["codes_means"],
            shifts=arrays["codes_shifts"],
            squares=arrays["codes_squares"],
        )


def leaf_codes(
    codes: Float32[np.ndarray, "z y x dim"],
    leaves: Int32[np.ndarray, "z y x"],
    interior: Bool[np.ndarray, "z y x"],
    *,
    curvature: float,
) -> LeafCodes:
    """What is known of the codes of leaves.

    Args:
        codes: Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        leaves: Leaf of every voxel, from 0, shape ``(z, y, x)``; −1 outside.
        interior: Voxels that see their own leaf alone, shape ``(z, y, x)``.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.

    Returns:
        A summary of as many leaves as there are numbers.

    Source:
        The mean is found as `gyrovox.geometry.poincare` finds it, from the mean of the codes on:
        the sum of points of the hyperboloid, each D / sinh D heavy, again and again. Seen from
        the last mean that is a step of artanh(|Σ D n| / Σ D coth D), with n the directions.
    """
    inside = leaves >= 0
    owner = leaves[inside].astype(np.intp)
    count = int(owner.max(initial=-1)) + 1
    core = interior[inside]
    counts = np.bincount(owner, minlength=count)
    interiors = np.bincount(owner[core], minlength=count)
    used = core | (interiors == 0)[owner]
    weights = np.maximum(np.where(interiors > 0, interiors, counts), 1)[:, None]
    points = _Points(codes[inside], curvature)
    chosen, of_chosen = points.some(used), owner[used]
    means = _sums(of_chosen, chosen.codes.T, count) / weights
    for _ in range(_STEPS):
        means = chosen.moved(means, chosen.seen_from(means, of_chosen).step())
    seen = points.seen_from(means, owner)
    total = np.maximum(counts, 1)
    return LeafCodes(
        counts=counts,
        interiors=interiors,
        means=means,
        shifts=seen.totals / total[:, None],
        squares=seen.squares / total,
    )


def together(
    parts: Sequence[LeafCodes], leaves: Sequence[NDArray[np.integer]], *, curvature: float
) -> LeafCodes:
    """What is known of leaves that lie in several parts of a volume.

    The mean of a leaf is the Fréchet mean of those of its parts, each as heavy as its interior;
    where none has one, as all of it. Squares follow by the parallel-axis rule: exact in flat
    space and for a leaf of one part, else, in the ball, nearly.

    Args:
        parts: Summaries, at least one.
        leaves: The leaf that each leaf of a part is, from 0, shape ``(leaves,)`` each.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.

    Returns:
        A summary of as many leaves as there are numbers.
    """
    owner = np.concatenate(leaves).astype(np.intp)
    count = int(owner.max(initial=-1)) + 1
    counts = np.concatenate([part.counts for part in parts])
    interiors = np.concatenate([part.interiors for part in parts])
    middles = np.concatenate([part.means for part in parts])
    shifts = np.concatenate([part.shifts for part in parts])
    squares = np.concatenate([part.squares for part in parts])
    total = np.maximum(_sums(owner, [counts], count)[:, 0], 1)
    inner = _sums(owner, [interiors], count)[:, 0]
    heavy = np.where(inner[owner] > 0, interiors, counts).astype(np.float64)
    points = _Points(middles, curvature)
    weights = np.maximum(_sums(owner, [heavy], count), 1)
    means = _sums(owner, middles.T * heavy, count) / weights
    for _ in range(_STEPS):
        means = points.moved(means, points.seen_from(means, owner, heavy).step())
    # Of all voxels of a part: where their middle is, and how far they are from that.
    centres = points.moved(middles, shifts)
    about = squares - 4 * _squared(shifts)
    seen = _Points(centres, curvature).seen_from(means, owner, counts.astype(np.float64))
    return LeafCodes(
        counts=total.astype(np.int64),
        interiors=inner.astype(np.int64),
        means=means,
        shifts=seen.totals / total[:, None],
        squares=(_sums(owner, [about * counts], count)[:, 0] + seen.squares) / total,
    )


@final
@dataclass(frozen=True)
class _Seen:
    """Weighted sums of codes as seen from the means of their owners.

    Args:
        totals: Of the codes, shape ``(owners, dim)``.
        squares: Of their squared lengths, as distances, shape ``(owners,)``.
        pulls: Of D coth D, with D the distance in units of 1 / √−κ; 1 in flat space. Shape
            ``(owners,)``.
        root: √−κ.
    """

    totals: NDArray[np.float64]
    squares: NDArray[np.float64]
    pulls: NDArray[np.float64]
    root: float

    def step(self) -> NDArray[np.float64]:
        """Towards the means, shape ``(owners, dim)``: never too far, however wide the spread."""
        steps = self.totals / np.maximum(self.pulls, 1e-300)[:, None]
        if self.root == 0:
            return steps
        tangent = 2 * self.root * np.sqrt(_squared(steps))
        angle = np.arctanh(np.minimum(tangent, 1 - 1e-15))
        return np.asarray(steps * _ratio(angle, tangent)[:, None])


@final
class _Points:
    """Codes, and their points on the hyperboloid where numbers are exact enough there."""

    def __init__(self, codes: NDArray[np.floating], curvature: float) -> None:
        self.codes = codes.astype(np.float64)
        self._curvature = curvature
        self._space = (
            manifold("euclidean") if curvature == 0 else manifold("poincare", curvature=curvature)
        )
        self._root = (-curvature) ** 0.5
        self._points, self._heights = _lifted(self.codes, self._root)

    def some(self, which: Bool[np.ndarray, "points"]) -> "_Points":
        """Some of the codes."""
        return _Points(self.codes[which], self._curvature)

    def moved(self, means: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points a step away, each step as seen from its own point."""
        there = self._space.code_add(torch.from_numpy(means), torch.from_numpy(steps))
        return np.asarray(there.numpy())

    def seen_from(
        self,
        means: NDArray[np.float64],
        owner: NDArray[np.intp],
        weights: NDArray[np.float64] | None = None,
    ) -> _Seen:
        """Sums of the codes as seen from the means of their owners."""
        count, dim = means.shape
        totals, squares, pulls = np.zeros((count, dim)), np.zeros(count), np.zeros(count)
        middles, heights = _lifted(means, self._root)
        for start in range(0, len(owner), _BLOCK):
            block = slice(start, start + _BLOCK)
            of = owner[block]
            if self._heights[block].max() * heights[of].max() <= _EXACT:
                seen, pull = self._boosted(block, middles[of], heights[of])
            else:
                seen, pull = self._translated(block, means[of])
            far = 4 * _squared(seen)
            if weights is not None:
                seen *= weights[block, None]
                far *= weights[block]
                pull = pull * weights[block]
            totals += _sums(of, seen.T, count)
            squares += np.bincount(of, far, count)
            pulls += np.bincount(of, pull, count)
        return _Seen(totals, squares, pulls, self._root)

    def _translated(
        self, block: slice, means: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Some codes once their means are at the origin, and D coth D, wherever they are."""
        codes = torch.from_numpy(self.codes[block])
        seen = self._space.code_add(-torch.from_numpy(means), codes).numpy()
        reach = 2 * self._root * np.sqrt(_squared(seen))
        return seen, _ratio(reach, np.tanh(reach))

    def _boosted(
        self, block: slice, middles: NDArray[np.float64], heights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same ten times as fast, where numbers on the hyperboloid are small."""
        points, above = self._points[block], self._heights[block]
        if self._root == 0:
            return points - middles, above
        cosine = above * heights - np.einsum("ij,ij->i", points, middles)
        boosted = points - ((above + cosine) / (1 + heights))[:, None] * middles
        # By the sine, not by the cosine, so that near points keep their digits.
        sine = np.sqrt(_squared(boosted))
        stretch = _ratio(np.arcsinh(sine), sine)
        boosted *= (stretch / (2 * self._root))[:, None]
        return boosted, stretch * cosine


def _lifted(
    codes: NDArray[np.float64], root: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of the unit hyperboloid: what is at right angles to its axis, and the height.

    In flat space the codes themselves, at height 1.
    """
    if root == 0:
        return codes, np.ones(len(codes))
    length = np.sqrt(_squared(codes))
    sine = np.sinh(np.minimum(2 * root * length, _FARTHEST))
    return codes * _ratio(sine, length)[:, None], np.sqrt(1 + sine * sine)


def _squared(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared lengths of rows."""
    return np.asarray(np.einsum("ij,ij->i", codes, codes))


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients; 1 where both are 0, where it is multiplied by 0."""
    return np.asarray(np.divide(above, below, out=np.ones_like(above), where=below > 0))


def _sums(
    owner: NDArray[np.intp], columns: Iterable[NDArray[np.number]], count: int
) -> NDArray[np.float64]:
    """Sums of columns by owner, shape ``(count, columns)``."""
    sums = [np.bincount(owner, column, count) for column in columns]
    # bincount of nothing is of integers.
    return np.stack(sums, axis=1).astype(np.float64)
