"""What is done to one tile, or one sample block, on the way to a volume's tree."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.calibration import BlockNoise, Calibration, block_noise
from gyrovox.clustering.refinement import RIM
from gyrovox.clustering.stitching import grown, within
from gyrovox.clustering.tile_leaves import Leaves, pasted, tile_leaves
from gyrovox.clustering.tile_regions import most_regions, tile_regions
from gyrovox.execution import StageTimes
from gyrovox.patches.texture import TextureScale
from gyrovox.pipeline.looked_up import mapped, shared
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.pipeline.workplace import Piece, written
from gyrovox.volumes import Region

REGIONS, LEAVES = "regions", "leaves"
"""Names of the stages."""


@final
@dataclass(frozen=True)
class MeasureNoise:
    """The noise of a sample block."""

    job: TileJob
    scale: TextureScale

    def __call__(self, block: Region) -> BlockNoise:
        features, intensities = self.job.seen(block, self.scale)
        return block_noise(features, intensities, self.job.inside(block), spacing=self.job.spacing)


@final
@dataclass(frozen=True)
class Looking:
    """How evidence is made of a volume: the same for all of its tiles."""

    job: TileJob
    scale: TextureScale
    calibration: Calibration

    def evidence(self, box: Region) -> NDArray[np.float32]:
        """The evidence in a box, shape (z, y, x, evidence)."""
        return self.calibration.evidence(*self.job.seen(box, self.scale))


@final
@dataclass(frozen=True)
class FindRegions:
    """Regions of a tile, by its number."""

    looking: Looking

    def __call__(self, tile: int) -> Piece:
        job, times = self.looking.job, StageTimes()
        core = job.tiles[tile]
        voxels = math.prod(core.shape)
        box = grown(core, RIM, job.shape)
        with times.measure("features", voxels):
            evidence = self.looking.evidence(box)
        with times.measure("regions", voxels):
            found = tile_regions(
                evidence,
                job.inside(box),
                within(core, box),
                dimensions=self.looking.calibration.dimensions,
                spacing=job.spacing,
                most=most_regions(voxels, job.voxels),
            )
        return written(job.file(REGIONS, tile), found.arrays(), times)


@final
@dataclass(frozen=True)
class DrawLeaves:
    """Leaves of a tile with their boundaries redrawn, and what they hold there, by its number."""

    looking: Looking
    leaves: Leaves
    curvature: float

    def __call__(self, tile: int) -> Piece:
        job, times = self.looking.job, StageTimes()
        core = job.tiles[tile]
        voxels = math.prod(core.shape)
        box = grown(core, RIM, job.shape)
        with times.measure("features", voxels):
            evidence = self.looking.evidence(box)
        with times.measure("embed", voxels):
            codes = job.codes(core)
        with times.measure("leaves", voxels):
            found = tile_leaves(
                pasted(self._around(box), box),
                evidence,
                codes,
                self.leaves,
                box=box,
                core=core,
                curvature=self.curvature,
                spacing=job.spacing,
            )
        return written(job.file(LEAVES, tile), found.arrays(), times)

    def _around(self, box: Region) -> Iterator[tuple[Region, NDArray[np.int32], NDArray[np.int32]]]:
        """Of the tiles that a box reaches into: core, regions, leaf of every region."""
        job = self.looking.job
        for number, core in enumerate(job.tiles):
            if shared(core, box) is not None:
                labels = mapped(job.file(REGIONS, number), "labels")
                yield core, labels, self.leaves.of_tile(number)
