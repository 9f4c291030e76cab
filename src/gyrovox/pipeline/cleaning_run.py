"""Specks and holes of labels that do not fit in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.clustering.components import ComponentSummary, tile_components
from gyrovox.clustering.tiled_cleaning import cleaned_tables
from gyrovox.execution import StageTimes
from gyrovox.pipeline.looked_up import LookedUp
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.pipeline.workplace import Piece, Workplace, kept, written
from gyrovox.segmentation import Cleaning


@final
@dataclass(frozen=True)
class FindComponents:
    """The connected components of labels in a tile, by its number."""

    job: TileJob
    labels: LookedUp
    stage: str

    def __call__(self, tile: int) -> Piece:
        times, core = StageTimes(), self.job.tiles[tile]
        inside = self.job.inside(core) if self.job.mask.is_named else None
        with times.measure("components", int(np.prod(core.shape))):
            found = tile_components(self.labels.read(core)[0], inside)
        return written(self.job.file(self.stage, tile), found.arrays(), times)


def cleaned_labels(
    job: TileJob, labels: LookedUp, cleaning: Cleaning, place: Workplace, *, stage: str
) -> Callable[[NDArray[Any]], LookedUp]:
    """Labels without what does not stay, and what else hangs on them.

    Args:
        job: Whose tiles.
        labels: What is to be cleaned.
        cleaning: What becomes of specks and holes.
        place: Who works.
        stage: Name of the stage, different for all labels of a run.

    Returns:
        A function of a table, shape ``(labels,)``, that gives the table's entry for the label
        that every voxel has after cleaning; 0 outside.

    Raises:
        KeyboardInterrupt: If it was asked to stop; what is finished is kept.
    """
    place.each_tile(FindComponents(job, labels, stage), stage, job)
    smallest, fill_holes = cleaning.in_voxels(job.source.voxel_size_nm)
    with place.times.measure("clean"):
        tables = cleaned_tables(
            ((core, ComponentSummary.from_arrays(left)) for core, left in kept(job, stage)),
            smallest=smallest,
            fill_holes=fill_holes,
            largest_component=cleaning.largest_component,
        )
    files = [job.file(stage, number) for number in range(len(job.tiles))]

    def looked_up(entries: NDArray[Any]) -> LookedUp:
        outside = np.zeros(1, entries.dtype)
        each = [np.append(entries[table], outside) for table in tables]
        return LookedUp(job.shape, job.tiles, files, each)

    return looked_up
