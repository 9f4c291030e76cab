"""What a segmentation will cost: from the costs of a voxel and the shape of a volume to a plan.

Nothing is measured here: `measured_costs` does that. Every function is one of its arguments.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, final

from gyrovox.clustering.calibration import sample_blocks
from gyrovox.clustering.refinement import RIM
from gyrovox.clustering.smoothing import HALO as SMOOTHING_HALO
from gyrovox.clustering.stitching import grown
from gyrovox.clustering.tile_regions import VOXELS_PER_REGION, most_regions
from gyrovox.patches import pieces
from gyrovox.patches.texture import HALO
from gyrovox.progress import duration, quantity
from gyrovox.volumes import Region

Limit = Literal["cores", "memory", "tiles", "the command"]

MARGINS: Mapping[str, int] = MappingProxyType({
    "features": RIM + HALO,
    "regions": RIM,
    "leaves": RIM,
    "smooth": SMOOTHING_HALO,
})
"""Voxels around a tile that a stage goes over too; 0 for the others."""

_GRAPH = 1_000  # bytes of a region with its neighbours, while graphs are stitched
_SLABS = 200 * 2**20  # labels on their way to a file, and the picture
_PICTURE_S = 3.0  # of at most 256 voxels along an axis, whatever the volume
_SPARE = 0.9  # of the memory that is free: other programs want some


@final
@dataclass(frozen=True, kw_only=True)
class Costs:
    """What this machine takes; measured on an excerpt.

    Attributes:
        start_s: Seconds until a new process can work.
        look_s: Seconds per voxel for statistics, reading included.
        stages: Seconds per voxel that a stage of a tile goes over, by its name.
        noise_s: Seconds per voxel of the blocks that the units of noise are found in.
        graph_s: Seconds per region to stitch the graphs of tiles.
        tree_s: Seconds of what is done once whatever the volume: the tree, or the clustering.
        level_s: Seconds per voxel to write one volume of labels.
        step_s: Seconds of a training step; 0 where a model is given.
        process_bytes: Memory of a process that has loaded what it needs.
        tile_bytes: Memory per voxel of a tile with all around it that is read.
        train_bytes: Memory that training takes on top; 0 where a model is given.
        kept_bytes: Disk that a run needs per voxel, beside its results.
    """

    start_s: float
    look_s: float
    stages: Mapping[str, float]
    noise_s: float
    graph_s: float
    tree_s: float
    level_s: float
    step_s: float
    process_bytes: float
    tile_bytes: float
    train_bytes: float
    kept_bytes: float


@final
@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is to work with.

    Attributes:
        cores: Processor cores.
        memory_bytes: Memory that is free.
        disk_bytes: Disk that is free where the results go; None if that is not known.
    """

    cores: int
    memory_bytes: int
    disk_bytes: int | None = None


@final
@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a segmentation will take.

    Attributes:
        shape: Voxels of the volume along (z, y, x).
        tiles: How many tiles it is cut into.
        tile: Voxels of the largest of them along (z, y, x).
        workers: How many tiles are worked on at a time.
        limit: What keeps it from being more.
        seconds: Wall time by part of the work, in order.
        driver_bytes: Peak memory of the process that the command starts.
        worker_bytes: Peak memory of every other process; 0 if there is none.
        results_bytes: Disk that the results take at most.
        run_bytes: Disk that the run needs beside them until it is done.
        machine: What there is.
    """

    shape: tuple[int, int, int]
    tiles: int
    tile: tuple[int, int, int]
    workers: int
    limit: Limit
    seconds: Mapping[str, float]
    driver_bytes: int
    worker_bytes: int
    results_bytes: int
    run_bytes: int
    machine: Machine

    @property
    def total_s(self) -> float:
        """Wall time from start to end, in seconds."""
        return math.fsum(self.seconds.values())

    @property
    def peak_bytes(self) -> int:
        """Memory of all processes together, at most."""
        others = self.workers if self.worker_bytes else 0
        return self.driver_bytes + others * self.worker_bytes

    @property
    def lacks(self) -> tuple[str, ...]:
        """What there is too little of: memory, disk."""
        disk = self.machine.disk_bytes
        needed = {
            "memory": self.peak_bytes > self.machine.memory_bytes,
            "disk": disk is not None and self.results_bytes + self.run_bytes > disk,
        }
        return tuple(name for name, too_little in needed.items() if too_little)

    def table(self) -> str:
        """The plan for a terminal: lines of plain text, without a newline at the end."""
        disk = self.machine.disk_bytes
        rows = {
            "volume": f"{_sides(self.shape)} voxels (z, y, x)",
            "tiles": f"{self.tiles} of at most {_sides(self.tile)} voxels",
            "workers": f"{self.workers} (limited by {self.limit})",
            "time": f"about {duration(self.total_s)}",
            **{f"  {part}": duration(seconds) for part, seconds in self.seconds.items()},
            "peak memory": f"about {_bytes(self.peak_bytes)} in all, "
            f"{_bytes(self.machine.memory_bytes)} free",
            "  the command": _bytes(self.driver_bytes),
        }
        if self.worker_bytes:
            rows["  each worker"] = _bytes(self.worker_bytes)
        rows["disk"] = f"at most {_bytes(self.results_bytes + self.run_bytes)}" + (
            "" if disk is None else f", {_bytes(disk)} free"
        )
        rows["  results"] = _bytes(self.results_bytes)
        rows["  run folder"] = f"{_bytes(self.run_bytes)}, until it is done"
        width = max(map(len, rows)) + 2
        return "\n".join(f"{name:<{width}}{value}" for name, value in rows.items())


def planned(
    costs: Costs,
    shape: tuple[int, int, int],
    machine: Machine,
    *,
    files: int,
    results_bytes: int,
    steps: int = 0,
    workers: int | None = None,
) -> Plan:
    """What segmenting a volume will take.

    Args:
        costs: What this machine takes.
        shape: Voxels of the volume along (z, y, x).
        machine: What there is.
        files: Volumes of labels that are written.
        results_bytes: Disk that they take at most.
        steps: Training steps; 0 where a model is given.
        workers: How many to take; None for as many as memory and cores allow.

    Returns:
        The plan.
    """
    tiles = pieces(shape)
    # Read is the tile with all around it, in every worker.
    most = max(math.prod(grown(tile, RIM + HALO, shape).shape) for tile in tiles)
    regions = graph_regions(shape, tiles)
    work = costs.tile_bytes * most
    driver = costs.process_bytes + max(costs.train_bytes, _GRAPH * regions + _SLABS)
    worker = costs.process_bytes + work
    count, limit = _workers(machine, len(tiles), driver=driver, worker=worker, asked=workers)
    if count == 1:  # the tiles are worked on by the command itself
        beside = _SLABS + _GRAPH * regions + work
        driver, worker = costs.process_bytes + max(costs.train_bytes, beside), 0.0
    return Plan(
        shape=shape,
        tiles=len(tiles),
        tile=max((tile.shape for tile in tiles), key=math.prod),
        workers=count,
        limit=limit,
        seconds=_seconds(costs, shape, tiles, files=files, steps=steps, workers=count),
        driver_bytes=round(driver),
        worker_bytes=round(worker),
        results_bytes=results_bytes,
        run_bytes=round(costs.kept_bytes * math.prod(shape)) if len(tiles) > 1 else 0,
        machine=machine,
    )


def tile_seconds(stages: Mapping[str, float], tile: Region, shape: tuple[int, int, int]) -> float:
    """What all stages of a tile take together.

    Args:
        stages: Seconds per voxel that a stage goes over, by its name.
        tile: The tile.
        shape: Voxels of the volume along (z, y, x).

    Returns:
        Seconds of one worker.
    """
    return math.fsum(
        cost * math.prod(grown(tile, MARGINS.get(stage, 0), shape).shape)
        for stage, cost in stages.items()
    )


def at_once(stages: Mapping[str, float]) -> dict[str, float]:
    """The stages of a volume that is one tile, where nothing is made again for a later stage.

    Args:
        stages: Seconds per voxel of the stages of tiles, by name.

    Returns:
        The same of a whole volume.
    """
    again = {"features": 2, "smooth": 2, "embed": 3 if "smooth" in stages else 1}
    return {stage: cost / again.get(stage, 1) for stage, cost in stages.items()}


def graph_regions(shape: tuple[int, int, int], tiles: Sequence[Region]) -> int:
    """Regions that are stitched to one graph.

    Args:
        shape: Voxels of the volume along (z, y, x).
        tiles: Its tiles.

    Returns:
        At most so many.
    """
    voxels = math.prod(shape)
    if len(tiles) == 1:
        return voxels // VOXELS_PER_REGION
    return sum(most_regions(math.prod(tile.shape), voxels) for tile in tiles)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last of some pieces of work is done, each given to the first worker that is free.

    Args:
        seconds: What each takes, in the order in which they are given out.
        workers: How many there are, at least 1.

    Returns:
        Seconds.
    """
    free_at = [0.0] * workers
    for one in seconds:
        heapq.heapreplace(free_at, free_at[0] + one)
    return max(free_at)


def _workers(
    machine: Machine, tiles: int, *, driver: float, worker: float, asked: int | None
) -> tuple[int, Limit]:
    """How many workers, and what keeps them from being more."""
    if asked is not None:
        return (asked, "the command") if asked <= tiles else (tiles, "tiles")
    room = max(1, math.floor((_SPARE * machine.memory_bytes - driver) / worker))
    limits: dict[Limit, int] = {"tiles": tiles, "cores": machine.cores, "memory": room}
    limit = min(limits, key=lambda name: limits[name])
    return limits[limit], limit


def _seconds(
    costs: Costs,
    shape: tuple[int, int, int],
    tiles: Sequence[Region],
    *,
    files: int,
    steps: int,
    workers: int,
) -> dict[str, float]:
    """Wall time by part of the work."""
    voxels = math.prod(shape)
    stages = costs.stages if len(tiles) > 1 else at_once(costs.stages)
    # To check the volume, to train; to segment it at once, but not in tiles.
    looks = 1 + (steps > 0) + (len(tiles) == 1)
    starts = 1 if workers == 1 else 2
    blocks = [math.prod(block.shape) for block in sample_blocks(Region.whole(shape))]
    noise = makespan([costs.noise_s * block for block in blocks], workers)
    return {
        "start": starts * costs.start_s,
        "look": looks * costs.look_s * voxels,
        **({"train": steps * costs.step_s} if steps else {}),
        **({"noise": noise} if len(tiles) > 1 else {}),  # else it is found on the way
        "tiles": makespan([tile_seconds(stages, tile, shape) for tile in tiles], workers),
        "stitch": costs.graph_s * graph_regions(shape, tiles),
        "tree": costs.tree_s,
        "write": files * costs.level_s * voxels + _PICTURE_S,
    }


def _sides(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))


def _bytes(count: int) -> str:
    shown = quantity(count)
    return f"{shown}B" if " " in shown else f"{shown} B"
