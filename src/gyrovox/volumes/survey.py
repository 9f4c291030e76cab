"""What is found out about the voxels of a channel, pass by pass, part by part.

Integers of up to 16 bits are counted, each value by itself, in one pass. Other numbers take three:
what is finite, and roughly where; the limits of the bulk; moments within those.
"""

import abc
from typing import Any, final

import numpy as np
from jaxtyping import Float32, Shaped

from gyrovox.volumes.order_statistics import BINS, OrderStatistics, neighbours, quantile, ranked
from gyrovox.volumes.running_statistics import RunningStatistics

# A hot voxel or two must not squeeze all the others together; a protein of 33 voxels among 125,000
# must keep its colour, so what is clipped lies far beyond the bulk, not at a share of the voxels.
_TAIL = 1e-3


class Survey(abc.ABC):
    """What is known of a channel: call `add` for all parts, `settle`, and so on down the list.

    Attributes:
        nan: Voxels that are no numbers.
        infinite: Voxels that are infinite.
        beyond: Voxels that are finite, and infinite as float32.
    """

    nan = 0
    infinite = 0
    beyond = 0

    @abc.abstractmethod
    def add(self, values: Shaped[np.ndarray, "count"]) -> None:
        """First pass: count a part."""

    @property
    @abc.abstractmethod
    def finite(self) -> int:
        """How many voxels are finite."""

    @property
    @abc.abstractmethod
    def mean(self) -> float:
        """Mean of the finite voxels."""

    @property
    @abc.abstractmethod
    def extremes(self) -> tuple[float, float]:
        """Smallest and largest voxel, those that were filled included."""

    @abc.abstractmethod
    def settle(self, fill: float) -> None:
        """After the first pass: what stands for voxels that are not finite."""

    @property
    @abc.abstractmethod
    def needs_more(self) -> bool:
        """Whether the second and the third pass are needed; else they may be left out."""

    @abc.abstractmethod
    def look_into(self, values: Shaped[np.ndarray, "count"]) -> None:
        """Second pass: the same parts again."""

    @abc.abstractmethod
    def limits(self) -> tuple[float, float]:
        """After the second pass: what voxels are clipped to, as float32 numbers.

        The bulk is all but the darkest and brightest thousandth. Voxels farther outside it than it
        is wide are clipped to there; none, if its width is 0.
        """

    @abc.abstractmethod
    def add_clipped(self, values: Float32[np.ndarray, "count"]) -> None:
        """Third pass: the same parts, filled and clipped."""

    @abc.abstractmethod
    def moments(self) -> tuple[float, float]:
        """After the third pass: mean and standard deviation of the clipped voxels."""


def survey_of(dtype: np.dtype[Any]) -> Survey:
    """The survey that suits voxels of a type.

    Args:
        dtype: Integers, truth values or floating-point numbers.

    Returns:
        An empty survey.
    """
    return _Counted(dtype) if dtype.kind in "bui" and dtype.itemsize <= 2 else _Ranked()


def as_float32(values: Shaped[np.ndarray, "*voxels"]) -> Float32[np.ndarray, "*voxels"]:
    """Numbers as float32; what is too large becomes infinite.

    Args:
        values: Real numbers, any shape.

    Returns:
        The numbers; the array itself if they are float32.
    """
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


@final
class _Counted(Survey):
    """How often each integer came."""

    needs_more = False

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._least = int(np.iinfo(dtype).min) if dtype.kind == "i" else 0
        self._counts = np.zeros(BINS, np.int64)
        self._values = np.arange(BINS, dtype=np.float64) + self._least

    def add(self, values: Shaped[np.ndarray, "count"]) -> None:
        self._counts += np.bincount(values.astype(np.int64) - self._least, minlength=BINS)

    @property
    def finite(self) -> int:
        return int(self._counts.sum())

    @property
    def mean(self) -> float:
        return float(np.average(self._values, weights=self._counts))

    @property
    def extremes(self) -> tuple[float, float]:
        there = self._values[self._counts > 0]
        return float(there[0]), float(there[-1])

    def settle(self, fill: float) -> None:
        del fill  # every integer is finite

    def look_into(self, values: Shaped[np.ndarray, "count"]) -> None:
        pass

    def limits(self) -> tuple[float, float]:
        def at(rank: int) -> float:
            return float(self._values[ranked(self._counts, rank)])

        bulk = [quantile(self.finite, share, at) for share in (_TAIL, 1 - _TAIL)]
        return _beyond_bulk(bulk[0], bulk[1], self.extremes)

    def add_clipped(self, values: Float32[np.ndarray, "count"]) -> None:
        pass

    def moments(self) -> tuple[float, float]:
        clipped = np.clip(self._values, *self.limits())
        mean = float(np.average(clipped, weights=self._counts))
        return mean, float(np.average((clipped - mean) ** 2, weights=self._counts) ** 0.5)


@final
class _Ranked(Survey):
    """Numbers by rank."""

    needs_more = True

    def __init__(self) -> None:
        self._order = OrderStatistics()
        self._running = RunningStatistics()
        self._clipped = RunningStatistics()
        self._fill = np.float32(0.0)

    def add(self, values: Shaped[np.ndarray, "count"]) -> None:
        found = as_float32(values)
        finite = np.isfinite(found)
        if not finite.all():
            nan = int(np.isnan(found).sum())
            beyond = int((np.isfinite(values) & ~finite).sum())
            self.nan += nan
            self.beyond += beyond
            self.infinite += int((~finite).sum()) - nan - beyond
            found = found[finite]
        self._running.add(found)
        self._order.count(found)

    @property
    def finite(self) -> int:
        return self._running.finite

    @property
    def mean(self) -> float:
        return self._running.mean

    @property
    def extremes(self) -> tuple[float, float]:
        low, high = self._running.minimum, self._running.maximum
        if not self._holes:
            return low, high
        return min(low, float(self._fill)), max(high, float(self._fill))

    @property
    def _holes(self) -> int:
        return self.nan + self.infinite + self.beyond

    def settle(self, fill: float) -> None:
        self._fill = np.float32(fill)
        self._order.count(np.full(1, self._fill), times=self._holes)
        total = self._order.total
        self._order.choose(
            rank for share in (_TAIL, 1 - _TAIL) for rank in neighbours(total, share)
        )

    def look_into(self, values: Shaped[np.ndarray, "count"]) -> None:
        found = as_float32(values)
        finite = np.isfinite(found)
        self._order.look_into(found if finite.all() else np.where(finite, found, self._fill))

    def limits(self) -> tuple[float, float]:
        total = self._order.total
        bulk = [quantile(total, share, self._order.at) for share in (_TAIL, 1 - _TAIL)]
        return _beyond_bulk(bulk[0], bulk[1], self.extremes)

    def add_clipped(self, values: Float32[np.ndarray, "count"]) -> None:
        self._clipped.add(values)

    def moments(self) -> tuple[float, float]:
        return self._clipped.mean, self._clipped.deviation


def _beyond_bulk(low: float, high: float, extremes: tuple[float, float]) -> tuple[float, float]:
    """What is clipped to, as float32 numbers."""
    wide = high - low
    found = np.array((low - wide, high + wide) if wide > 0 else extremes, np.float64)
    # Bulks near the largest float32 have no number beyond them to clip to.
    largest = float(np.finfo(np.float32).max)
    first, last = np.clip(found, -largest, largest).astype(np.float32)
    return float(first), float(last)
