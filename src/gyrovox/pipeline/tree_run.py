"""The tree of a volume that is larger than memory, tile by tile."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gyrovox.clustering.calibration import Calibration, calibrated, mask_blocks, sample_blocks
from gyrovox.clustering.stitching import TileGraph, stitched
from gyrovox.clustering.tile_leaves import LeafSummary
from gyrovox.clustering.tree_building import leaves_of, trunk_of
from gyrovox.clustering.trunk import Trunk
from gyrovox.patches.texture import TextureScale, texture_scale
from gyrovox.pipeline.looked_up import LookedUp
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.pipeline.tree_tasks import (
    LEAVES,
    REGIONS,
    DrawLeaves,
    FindRegions,
    Looking,
    MeasureNoise,
)
from gyrovox.pipeline.workplace import Workplace, kept
from gyrovox.volumes import MaskCells, Region, slabs


def build_trunk(job: TileJob, place: Workplace) -> Trunk:
    """The tree of a volume of any size; its leaves stay in the files of its tiles.

    Args:
        job: What is segmented, and how.
        place: Who works.

    Returns:
        The tree above the leaves.

    Raises:
        VolumeError: If nothing is inside the mask.
        KeyboardInterrupt: If it was asked to stop; what is finished is kept.
    """
    looking = _looking(job, place)
    place.each_tile(FindRegions(looking), REGIONS, job)
    with place.times.measure("stitch"):
        graphs = ((core, TileGraph.from_arrays(left)) for core, left in kept(job, REGIONS))
        leaves = leaves_of(stitched(graphs, spacing=job.spacing), regions=job.settings.regions)
    place.each_tile(DrawLeaves(looking, leaves, job.curvature), LEAVES, job)

    def trunk() -> Mapping[str, NDArray[Any]]:
        summaries = ((core, LeafSummary.from_arrays(left)) for core, left in kept(job, LEAVES))
        return trunk_of(
            summaries,
            leaves,
            curvature=job.curvature,
            voxel_size_nm=job.source.voxel_size_nm,
            voxels=job.voxels,
        ).arrays()

    return Trunk.from_arrays(place.once("tree", "trunk", trunk))


def tile_labels(job: TileJob, table: NDArray[Any]) -> LookedUp:
    """What every voxel's leaf stands for.

    Args:
        job: Whose tiles.
        table: An entry for every leaf of the tiles, and one at the end for none.

    Returns:
        A source of voxels.
    """
    files = [job.file(LEAVES, number) for number in range(len(job.tiles))]
    return LookedUp(job.shape, job.tiles, files, [table] * len(files))


def _looking(job: TileJob, place: Workplace) -> Looking:
    """The scale of the texture and the units of noise, from a few blocks of the volume."""

    def measured() -> Mapping[str, NDArray[Any]]:
        blocks = _blocks(job)
        scale = texture_scale(
            [job.normalised(block) for block in blocks],
            spacing=job.spacing,
            texture=job.settings.evidence == "texture",
        )
        found = dict(place.executor.map(MeasureNoise(job, scale), blocks))
        calibration = calibrated([found[number] for number in range(len(blocks))])
        return {
            **{f"scale.{name}": array for name, array in scale.arrays().items()},
            **{f"calibration.{name}": array for name, array in calibration.arrays().items()},
        }

    stored = place.once("noise", "units", measured)
    return Looking(
        job,
        TextureScale.from_arrays(_under("scale.", stored)),
        Calibration.from_arrays(_under("calibration.", stored)),
    )


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _blocks(job: TileJob) -> list[Region]:
    """The blocks that say how noisy the volume is, where there is work.

    Raises:
        VolumeError: If nothing is inside the mask.
    """
    if not job.mask.is_named:
        return sample_blocks(Region.whole(job.shape))
    parts = ((slab, job.inside(slab)) for slab in slabs(job.mask.volume().source))
    cells = MaskCells.of(parts, job.shape)
    job.check_some(cells.voxels)
    return mask_blocks(cells)
