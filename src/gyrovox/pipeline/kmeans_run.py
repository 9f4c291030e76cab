"""K-means of the codes of a volume that is larger than memory: coresets, then one pass."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering import HyperbolicKMeans, check_distinct
from gyrovox.clustering.coreset import (
    MOST_POINTS,
    Coreset,
    coreset_of,
    most_points,
    some_distinct,
)
from gyrovox.clustering.smoothing import HALO, CodeSpread, smooth_codes
from gyrovox.clustering.stitching import grown, within
from gyrovox.execution import StageTimes
from gyrovox.pipeline.looked_up import LookedUp
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.pipeline.workplace import Piece, Workplace, kept, written

_SPREAD, _CORESETS, _CLASSES = "spread", "coresets", "classes"


@final
@dataclass(frozen=True)
class MeasureSpread:
    """How far the codes of a tile lie apart, and some that differ."""

    job: TileJob
    most: int

    def __call__(self, tile: int) -> Piece:
        times, core = StageTimes(), self.job.tiles[tile]
        with times.measure("embed", math.prod(core.shape)):
            codes = self.job.codes(core)
        inside = self.job.inside(core)
        arrays = {
            **CodeSpread.of(codes).arrays(),
            "some": some_distinct(codes[inside], self.most),
            "inside": np.asarray(inside.sum()),
        }
        return written(self.job.file(_SPREAD, tile), arrays, times)


@final
@dataclass(frozen=True)
class SmoothedCodes:
    """The codes of a tile, smoothed as those of the whole volume are."""

    job: TileJob
    deviation: float

    def of(self, tile: int, times: StageTimes) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Codes of the voxels inside, shape (voxels, dim), and which those are, (z, y, x)."""
        job, core = self.job, self.job.tiles[tile]
        weight, voxels = job.settings.smoothing, math.prod(core.shape)
        box = grown(core, HALO, job.shape) if weight > 0 else core
        with times.measure("embed", voxels):
            codes = job.codes(box)
        with times.measure("smooth", voxels):
            smooth = smooth_codes(codes, weight, deviation=self.deviation)
        inside = job.inside(core)
        return smooth[within(core, box)][inside], inside


@final
@dataclass(frozen=True)
class SumUp:
    """A few codes that stand for those of a tile."""

    codes: SmoothedCodes
    seed: int

    def __call__(self, tile: int) -> Piece:
        job, times = self.codes.job, StageTimes()
        found, inside = self.codes.of(tile, times)
        with times.measure("coreset", inside.size):
            coreset = coreset_of(
                found,
                most=most_points(inside.size, job.voxels),
                curvature=job.curvature,
                seed=self.seed,
            )
        return written(job.file(_CORESETS, tile), coreset.arrays(), times)


@final
@dataclass(frozen=True)
class Assign:
    """The class of every voxel of a tile, at every level."""

    codes: SmoothedCodes
    models: Mapping[int, HyperbolicKMeans]

    def __call__(self, tile: int) -> Piece:
        times = StageTimes()
        found, inside = self.codes.of(tile, times)
        labels = {}
        with times.measure("assign", inside.size):
            for level, model in self.models.items():
                labels[_member(level)] = np.full(inside.shape, -1, np.int32)
                if len(found):
                    labels[_member(level)][inside] = model.predict(found)
        return written(self.codes.job.file(_CLASSES, tile), labels, times)


def kmeans_classes(
    job: TileJob, levels: Sequence[int], place: Workplace, *, seed: int
) -> dict[int, LookedUp]:
    """A clustering of the codes of a volume of any size, for every level.

    Args:
        job: What is segmented, and how.
        levels: Numbers of classes.
        place: Who works.
        seed: Seed of everything that is drawn.

    Returns:
        The class of every voxel by number of classes: from 0, or from 1 where 0 is outside.

    Raises:
        VolumeError: If nothing is inside the mask.
        ClusterCountError: If there are fewer distinct codes.
        KeyboardInterrupt: If it was asked to stop; what is finished is kept.
    """
    place.each_tile(MeasureSpread(job, max(levels)), _SPREAD, job)
    spreads, some, inside = [], [], 0
    for _, left in kept(job, _SPREAD):
        spreads.append(CodeSpread.from_arrays(left))
        some.append(left["some"])
        inside += int(left["inside"])
    job.check_some(inside)
    check_distinct(np.concatenate(some), max(levels))
    codes = SmoothedCodes(job, CodeSpread.merged(spreads).deviation)
    place.each_tile(SumUp(codes, seed), _CORESETS, job)

    def merged() -> Mapping[str, NDArray[Any]]:
        parts = [Coreset.from_arrays(left) for _, left in kept(job, _CORESETS)]
        return Coreset.merged(parts, most=MOST_POINTS, curvature=job.curvature, seed=seed).arrays()

    coreset = Coreset.from_arrays(place.once("coreset", "volume", merged))
    with place.times.measure("cluster"):
        models = {
            level: HyperbolicKMeans(level, curvature=job.curvature, random_state=seed).fit(
                coreset.codes, sample_weight=coreset.weights
            )
            for level in levels
        }
    place.each_tile(Assign(codes, models), _CLASSES, job)
    first = int(inside < job.voxels)  # a mask that holds everything is none
    files = [job.file(_CLASSES, number) for number in range(len(job.tiles))]
    found = {}
    for level in levels:
        table = np.append(np.arange(level) + first, 0).astype(np.min_scalar_type(level - 1 + first))
        found[level] = LookedUp(
            job.shape, job.tiles, files, [table] * len(files), member=_member(level)
        )
    return found


def _member(level: int) -> str:
    return f"labels-{level}"
