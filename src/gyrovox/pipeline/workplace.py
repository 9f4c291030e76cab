"""Who works on the tiles of a volume, what is finished, and what it took."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.execution import (
    Contents,
    Executor,
    Ledger,
    Spent,
    StageTimes,
    stoppable,
    written_piece,
)
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.progress import progress
from gyrovox.volumes import Region

STOPPING = "gyrovox: stopping after the tiles at hand; interrupt again to stop at once."


@final
@dataclass(frozen=True)
class Piece:
    """What is known of a tile's file once it is written.

    Args:
        path: The file.
        contents: Its size and checksum.
        spent: What the parts of the work took.
    """

    path: Path
    contents: Contents
    spent: tuple[Spent, ...]


@final
@dataclass(frozen=True)
class Workplace:
    """Who works, what is finished, and what it took.

    Args:
        executor: Who does the work on tiles.
        ledger: What is finished.
        times: What the stages took; added to.
        quiet: Show no progress.
    """

    executor: Executor
    ledger: Ledger
    times: StageTimes
    quiet: bool = False

    def each_tile(self, task: Callable[[int], Piece], stage: str, job: TileJob) -> None:
        """Do the work on every tile that is not finished yet.

        Args:
            task: What is done to a tile, by its number.
            stage: Name of the stage.
            job: Whose tiles.

        Raises:
            KeyboardInterrupt: If it was asked to stop; what is finished is kept.
        """
        sizes = [math.prod(core.shape) for core in job.tiles]
        todo = [number for number in range(len(sizes)) if not self.ledger.done(stage, str(number))]
        with (
            progress(stage, sum(sizes), unit="voxels", quiet=self.quiet) as bar,
            stoppable("" if self.quiet else STOPPING) as stopping,
        ):
            bar.advance(sum(sizes) - sum(sizes[number] for number in todo))
            for index, piece in self.executor.map(task, todo):
                self.ledger.record(stage, str(todo[index]), piece.path, piece.contents)
                self.times.add(*piece.spent)
                bar.advance(sizes[todo[index]])
                if stopping():
                    raise KeyboardInterrupt(
                        "interrupted; the same command goes on with the tiles that are missing."
                    )

    def once(
        self, stage: str, key: str, make: Callable[[], Mapping[str, NDArray[Any]]]
    ) -> Mapping[str, NDArray[Any]]:
        """What is found once for a volume: made, or read if it was made before.

        Args:
            stage: Name of the stage.
            key: What it is.
            make: Makes its arrays.

        Returns:
            The arrays.
        """
        if not self.ledger.done(stage, key):
            with self.times.measure(stage):
                # Not within `write`, which takes what goes wrong in it for its own.
                arrays = make()
            with self.ledger.write(stage, key, ".npz") as beside:
                np.savez(beside, allow_pickle=False, **arrays)
        with np.load(self.ledger.path(stage, key, ".npz")) as stored:
            return {name: stored[name] for name in stored.files}


def kept(job: TileJob, stage: str) -> Iterator[tuple[Region, dict[str, NDArray[Any]]]]:
    """What a stage left of every tile, in order, without what there is a number of for each voxel.

    Args:
        job: Whose tiles.
        stage: Name of the stage.

    Yields:
        Tiles, and arrays by name.
    """
    for number, core in enumerate(job.tiles):
        with np.load(job.file(stage, number)) as stored:
            yield core, {name: stored[name] for name in stored.files if "labels" not in name}


def written(path: Path, arrays: Mapping[str, NDArray[Any]], times: StageTimes) -> Piece:
    """Write what a tile's task has made.

    Args:
        path: Where to.
        arrays: What.
        times: What it took; added to.

    Returns:
        What the driver has to know.
    """
    with times.measure("write"), written_piece(path) as beside:
        np.savez(beside, allow_pickle=False, **arrays)
    return Piece(path, Contents.of(path), times.spent)
