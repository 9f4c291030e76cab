"""The spatial prior of the clustering: neighbours tend to be of one kind."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray

from gyrovox.patches.total_variation import REACH, less_variation

HALO = REACH
"""Voxels around a part of a volume that its codes are smoothed with: no others count."""


@final
@dataclass(frozen=True)
class CodeSpread:
    """How far codes are spread, summed up so that parts can be put together.

    Args:
        count: How many codes, shape ``()``.
        mean: Mean of every coordinate, shape ``(dim,)``.
        squares: Sum of squared differences to it, shape ``(dim,)``.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, codes: Float32[np.ndarray, "*voxels dim"]) -> "CodeSpread":
        """The spread of codes.

        Args:
            codes: Tangent vectors at the origin, shape ``(*voxels, dim)``; there may be none.

        Returns:
            Their spread.
        """
        # Contiguous, as a tile cut out of a volume is not: the sums are taken in one order.
        rows = np.ascontiguousarray(codes).reshape(-1, codes.shape[-1])
        count = np.asarray(len(rows))
        if not len(rows):
            return cls(count, np.zeros(rows.shape[1]), np.zeros(rows.shape[1]))
        mean = rows.mean(axis=0, dtype=np.float64)
        squares = np.array([
            np.square(column - middle).sum() for column, middle in zip(rows.T, mean, strict=True)
        ])
        return cls(count, mean, squares)

    @classmethod
    def merged(cls, parts: Sequence["CodeSpread"]) -> "CodeSpread":
        """The spread of all codes of some parts.

        Args:
            parts: At least one.

        Returns:
            Their spread; but for rounding, that of all the codes at once.

        Source:
            Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance.
            https://doi.org/10.1080/00031305.1983.10483115
        """
        counts = np.array([part.count for part in parts])
        means = np.stack([part.mean for part in parts])
        mean = counts @ means / max(counts.sum(), 1)
        apart = counts @ np.square(means - mean)
        return cls(np.asarray(counts.sum()), mean, sum(part.squares for part in parts) + apart)

    @property
    def deviation(self) -> float:
        """Standard deviation of the most spread coordinate; 0 without codes."""
        return math.sqrt(float(self.squares.max()) / max(int(self.count), 1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        return {"count": self.count, "mean": self.mean, "squares": self.squares}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "CodeSpread":
        """What `arrays` gave; other arrays are not looked at."""
        return cls(arrays["count"], arrays["mean"], arrays["squares"])


def smooth_codes(
    codes: Float32[np.ndarray, "z y x dim"], weight: float, *, deviation: float | None = None
) -> Float32[np.ndarray, "z y x dim"]:
    """The map of codes nearest to a given one that has less total variation.

    Each coordinate is denoised by itself, in the tangent space at the origin: flat regions are
    averaged, edges stay. A part of a volume with `HALO` voxels around it gives there what the
    whole gives, to the last bit, if it is told the whole's deviation.

    Args:
        codes: Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        weight: Weight of the total variation, in standard deviations of the most spread
            coordinate; 0 returns the codes themselves.
        deviation: Standard deviation of the most spread coordinate of the volume that the codes
            are a part of; None if they are all of it.

    Returns:
        Codes of the same shape.

    Source:
        As `less_variation`.
    """
    spread = CodeSpread.of(codes).deviation if deviation is None else deviation
    if weight == 0 or spread == 0:
        return codes
    smoothed = np.empty_like(codes)
    for index in range(codes.shape[-1]):
        smoothed[..., index] = less_variation(codes[..., index], weight * spread)
    return smoothed
