"""Grey values that a network can read, found in passes over a source that may not fit in memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32, Shaped
from numpy.typing import NDArray

from gyrovox.volumes.region import Region
from gyrovox.volumes.source import ArraySource, InMemory
from gyrovox.volumes.survey import Survey, as_float32, survey_of
from gyrovox.volumes.validation import (
    NanPolicy,
    check_fillable,
    check_finite,
    check_real,
    check_varies,
)
from gyrovox.volumes.volume import Volume

# Slices and rows of the chunks that gyrovox writes, so that none is unpacked twice.
_SLICES, _ROWS = 16, 128
_READ = 2**23  # voxels that are read together, if that many make whole chunks
_COUNTED = 2**20  # voxels that are counted together: what that takes is some 20 times their bytes


@final
@dataclass(frozen=True)
class Normalisation:
    """How the voxels of a volume become numbers that a network can read; all by channel.

    Args:
        low: Darker voxels are clipped to this, in the volume's unit.
        high: Brighter voxels are clipped to this.
        mean: Mean of the clipped voxels.
        deviation: Their standard deviation; 0 where they are all alike.
        fill: What stands for a voxel that is not finite.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    fill: tuple[float, ...]

    def apply(
        self, voxels: Shaped[np.ndarray, "channels z y x"]
    ) -> Float32[np.ndarray, "channels z y x"]:
        """Voxels clipped and standardised: over the whole volume, mean 0 and deviation 1.

        Args:
            voxels: Voxels of any part of the volume, shape ``(channels, z, y, x)``.

        Returns:
            A new array of the same shape. What a voxel becomes depends on nothing but its value;
            a channel without deviation becomes 0.
        """
        applied = np.zeros(voxels.shape, np.float32)
        for channel, into in enumerate(applied):
            if self.deviation[channel] == 0:
                continue
            # A slice at a time, so that float64, without which large values lose digits, is small.
            for values, target in zip(voxels[channel], into, strict=True):
                wide = self.clipped(values, channel).astype(np.float64)
                wide -= self.mean[channel]
                wide /= self.deviation[channel]
                target[:] = wide
        return applied

    def clipped(
        self, values: Shaped[np.ndarray, "*voxels"], channel: int
    ) -> Float32[np.ndarray, "*voxels"]:
        """Values of a channel as float32, filled and clipped, not standardised yet.

        Args:
            values: Voxels of the channel, any shape.
            channel: Which channel it is.

        Returns:
            A new array of the same shape.
        """
        return _clipped(values, self.low[channel], self.high[channel], self.fill[channel])


def normalisation_of(volume: Volume, *, nan_policy: NanPolicy = "error") -> Normalisation:
    """How the voxels of a volume are normalised, after every check that needs all of them.

    The bulk is all but the darkest and brightest thousandth of a channel. Voxels farther outside
    it than it is wide are clipped to there. The volume is read part by part: once where it holds
    integers of up to 16 bits, else three times. Memory does not grow with it.

    Args:
        volume: What is to be worked with.
        nan_policy: What to do with NaN and infinite voxels: refuse the volume, or put 0 or the
            mean of the channel's finite voxels in their place.

    Returns:
        The normalisation. Order statistics are exact; means and deviations are found in float64.

    Raises:
        VolumeError: If the voxels are complex or no numbers, if some are not finite and
            `nan_policy` is "error", if no voxel of a channel is, or if a channel is constant.
    """
    check_real(volume)
    surveys = _surveys(volume.source)
    if nan_policy == "error":
        check_finite(
            volume.name,
            nan=sum(survey.nan for survey in surveys),
            infinite=sum(survey.infinite for survey in surveys),
            beyond=sum(survey.beyond for survey in surveys),
            among=math.prod(volume.shape),
        )
    fills = [survey.mean if nan_policy == "mean" else 0.0 for survey in surveys]
    for channel, (survey, fill) in enumerate(zip(surveys, fills, strict=True)):
        check_fillable(volume.name, channel, finite=survey.finite)
        survey.settle(fill)
        low, high = survey.extremes
        check_varies(volume.name, channel, low=low, high=high)
    return _finished(volume.source, surveys, fills)


def normalisation_of_array(voxels: Float32[np.ndarray, "channels z y x"]) -> Normalisation:
    """How the voxels of an array are normalised, without a check.

    Args:
        voxels: Finite voxels, shape ``(channels, z, y, x)``, in any unit.

    Returns:
        The normalisation.
    """
    source = InMemory(voxels)
    surveys = _surveys(source)
    for survey in surveys:
        survey.settle(0.0)
    return _finished(source, surveys, [0.0] * len(surveys))


def _surveys(source: ArraySource) -> list[Survey]:
    """A survey of each channel, after the first pass."""
    surveys = [survey_of(source.dtype) for _ in range(source.shape[0])]
    _walk(source, lambda channel, values: surveys[channel].add(values))
    return surveys


def _finished(
    source: ArraySource, surveys: Sequence[Survey], fills: Sequence[float]
) -> Normalisation:
    """The normalisation, after the second and the third pass where they are needed."""
    more = any(survey.needs_more for survey in surveys)
    if more:
        _walk(source, lambda channel, values: surveys[channel].look_into(values))
    limits = [survey.limits() for survey in surveys]
    if more:

        def add_clipped(channel: int, values: Shaped[np.ndarray, "count"]) -> None:
            clipped = _clipped(values, *limits[channel], fills[channel])
            surveys[channel].add_clipped(clipped)

        _walk(source, add_clipped)
    low, high = zip(*limits, strict=True)
    mean, deviation = zip(*(survey.moments() for survey in surveys), strict=True)
    return Normalisation(low, high, mean, deviation, tuple(fills))


def _clipped(
    values: Shaped[np.ndarray, "*voxels"], low: float, high: float, fill: float
) -> Float32[np.ndarray, "*voxels"]:
    found = as_float32(values)
    if values.dtype.kind == "f":
        finite = np.isfinite(found)
        if not finite.all():
            found = np.where(finite, found, np.float32(fill))
    clipped: NDArray[np.float32] = np.clip(found, np.float32(low), np.float32(high))
    return clipped


def _walk(source: ArraySource, visit: Callable[[int, Shaped[np.ndarray, "count"]], object]) -> None:
    """Show every voxel of a source once, some at a time, each with its channel."""
    for region in _parts(source):
        _show(source.read(region), visit)


def _show(
    part: Shaped[np.ndarray, "channels z y x"],
    visit: Callable[[int, Shaped[np.ndarray, "count"]], object],
) -> None:
    # A function, so that nothing holds this part while the next one is read.
    for channel, voxels in enumerate(part):
        values = voxels.reshape(-1)
        for first in range(0, values.size, _COUNTED):
            visit(channel, values[first : first + _COUNTED])


def _parts(source: ArraySource) -> Iterator[Region]:
    """Boxes of whole rows that cover a source once, in order; they depend on its shape alone."""
    channels, depth, height, width = source.shape
    # Whole slices if possible: some files can be unpacked no other way.
    rows = max(1, _READ // (channels * _SLICES * width * _ROWS)) * _ROWS
    rows = min(rows, height)
    slices = max(1, _READ // (channels * rows * width * _SLICES)) * _SLICES
    for z in range(0, depth, slices):
        for y in range(0, height, rows):
            stop = (min(z + slices, depth), min(y + rows, height), width)
            yield Region((z, y, 0), stop)
