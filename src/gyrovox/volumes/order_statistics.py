"""Exact order statistics of more numbers than memory holds, which come by twice, piece by piece.

The bits of float32 numbers, as integers, sort as the numbers do once the sign is turned. A first
histogram over the upper 16 bits says in which of its bins a rank lies; a second one over the lower
16 bits of that bin says which number it is.
"""

from collections.abc import Callable, Iterable
from typing import final

import numpy as np
from jaxtyping import Float32, Int64, UInt32
from numpy.typing import NDArray

BINS = 2**16
"""Bins of a histogram."""

_SIGN = np.uint32(0x8000_0000)


@final
class OrderStatistics:
    """Numbers by their rank, counted in two passes.

    First `count` every piece, then `look_into` every piece again, then ask for `at`.
    """

    def __init__(self) -> None:
        self._upper = np.zeros(BINS, np.int64)
        self._lower: dict[int, NDArray[np.int64]] = {}

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return int(self._upper.sum())

    def count(self, values: Float32[np.ndarray, "count"], times: int = 1) -> None:
        """First pass: take finite numbers into account, each as often as `times`."""
        self._upper += times * np.bincount(keys_of(values) >> 16, minlength=BINS)

    def choose(self, ranks: Iterable[int]) -> None:
        """Between the passes: say which ranks, from 0 on, will be asked for."""
        for rank in ranks:
            self._lower[ranked(self._upper, rank)] = np.zeros(BINS, np.int64)

    def look_into(self, values: Float32[np.ndarray, "count"]) -> None:
        """Second pass: the same numbers again."""
        keys = keys_of(values)
        upper = keys >> 16
        for chosen in self._lower:
            inside = keys[upper == chosen] & 0xFFFF
            self._lower[chosen] += np.bincount(inside, minlength=BINS)

    def at(self, rank: int) -> float:
        """The number of a rank that was chosen, from 0 for the smallest on."""
        upper = ranked(self._upper, rank)
        lower = ranked(self._lower[upper], rank - int(self._upper[:upper].sum()))
        return float(values_of(np.array([(upper << 16) | lower], np.uint32))[0])


def keys_of(values: Float32[np.ndarray, "count"]) -> UInt32[np.ndarray, "count"]:
    """Integers that sort as finite numbers do; -0 sorts before 0.

    Args:
        values: Numbers, shape ``(count,)``.

    Returns:
        Keys, shape ``(count,)``.
    """
    bits = np.ascontiguousarray(values).view(np.uint32)
    # Negative numbers grow as their bits shrink: turn all bits. Others: turn the sign, to follow.
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def values_of(keys: UInt32[np.ndarray, "count"]) -> Float32[np.ndarray, "count"]:
    """The numbers that `keys_of` made keys of.

    Args:
        keys: Keys, shape ``(count,)``.

    Returns:
        Numbers, shape ``(count,)``.
    """
    return np.where(keys & _SIGN, keys & ~_SIGN, ~keys).view(np.float32)


def ranked(counts: Int64[np.ndarray, "bins"], rank: int) -> int:
    """The bin of a histogram that a rank lies in.

    Args:
        counts: How many numbers each bin has, in the order of the numbers.
        rank: A rank, from 0 for the smallest on.

    Returns:
        The index of the bin.
    """
    return int(np.searchsorted(np.cumsum(counts), rank, side="right"))


def neighbours(total: int, share: float) -> tuple[int, int]:
    """The ranks on both sides of a quantile.

    Args:
        total: How many numbers there are.
        share: Share of the numbers that lie below.

    Returns:
        Two ranks, from 0 on; they are the same for the largest number.
    """
    low = int((total - 1) * share)
    return low, min(low + 1, total - 1)


def quantile(total: int, share: float, at: Callable[[int], float]) -> float:
    """A quantile, linear between its neighbouring ranks.

    Args:
        total: How many numbers there are.
        share: Share of the numbers that lie below.
        at: The number of a rank.

    Returns:
        The quantile.
    """
    low, high = (at(rank) for rank in neighbours(total, share))
    return low + ((total - 1) * share % 1) * (high - low)
