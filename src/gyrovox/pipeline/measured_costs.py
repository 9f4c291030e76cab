"""What this machine takes for an excerpt of a volume: the real work on two small tiles."""

import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from gyrovox import io
from gyrovox.clustering.calibration import sample_blocks
from gyrovox.clustering.refinement import RIM
from gyrovox.clustering.stitching import grown
from gyrovox.devices import cores
from gyrovox.execution import Ledger, Processes, Spent, StageTimes, peak_memory_bytes
from gyrovox.patches.texture import HALO
from gyrovox.pipeline.cost_model import MARGINS, Costs, Machine, graph_regions
from gyrovox.pipeline.inputs import ModelFile, VolumeFile
from gyrovox.pipeline.kmeans_run import kmeans_classes
from gyrovox.pipeline.looked_up import LookedUp
from gyrovox.pipeline.tile_job import TileJob
from gyrovox.pipeline.tree_run import build_trunk, tile_labels
from gyrovox.pipeline.workplace import Workplace
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import Configuration, SegmentationSettings
from gyrovox.volumes import InMemory, NanPolicy, Region, Volume, normalisation_of, slabs

_SIDE = 72  # of each of the two tiles, in voxels
_BOX = 60  # of what is embedded first, in voxels
_TRAIN_S = 2.0
_LEVEL = 4  # classes of the labels that are written
_TREE = ("tree", "coreset", "cluster")
_ONCE = ("noise", "stitch", *_TREE)


@final
@dataclass(frozen=True, kw_only=True)
class Trial:
    """What is tried out.

    Args:
        volume: What is to be segmented.
        model: A trained model; None where one is to be trained.
        configuration: The network, how it learns, and how codes become classes.
        device: Where to compute.
        threads: CPU threads of all processes together at most.
        workers: How many there will be; None for as many as there are cores.
        nan_policy: What to do with NaN and infinite voxels.
    """

    volume: Volume
    model: Path | None
    configuration: Configuration
    device: str = "auto"
    threads: int | None = None
    workers: int | None = None
    nan_policy: NanPolicy = "error"

    @property
    def segmentation(self) -> SegmentationSettings:
        """How codes become classes."""
        return self.configuration.segmentation


def machine_at(folder: Path) -> Machine:
    """What there is to work with.

    Args:
        folder: Where the results will go; it need not exist yet.

    Returns:
        Cores, free memory and free disk.
    """
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    disk = os.statvfs(nearest) if sys.platform != "win32" else None
    return Machine(
        cores=cores(),
        memory_bytes=_free_memory(),
        disk_bytes=None if disk is None else disk.f_bavail * disk.f_frsize,
    )


def measured_costs(trial: Trial, folder: Path) -> Costs:
    """Do the work of a segmentation on an excerpt, and take the time; about 10 seconds.

    Args:
        trial: What is tried out.
        folder: An empty folder for the excerpt and what is made of it.

    Returns:
        What each part takes, per voxel.

    Raises:
        VolumeError: If the volume cannot be worked with.
    """
    excerpt, read_s = _excerpt(trial.volume)
    file = folder / "excerpt.ome.zarr"
    io.write(excerpt, file)
    normalisation = normalisation_of(excerpt, nan_policy=trial.nan_policy)
    voxels = math.prod(excerpt.spatial_shape)
    ready = _trained(trial, file, folder)
    (folder / "run").mkdir()
    job = TileJob(
        volume=VolumeFile.of(str(file)),
        mask=VolumeFile.of(None),
        model=ModelFile(ready.model.absolute(), trial.device),
        normalisation=normalisation,
        settings=trial.segmentation,
        side=_SIDE,
        folder=(folder / "run").absolute(),
    )
    start_s, process_bytes, times, labels = _segmented(job, trial)
    kept = sum(path.stat().st_size for path in job.folder.rglob("*") if path.is_file())
    seen = [*job.tiles, *sample_blocks(Region.whole(job.shape))]
    most = max(math.prod(grown(one, RIM + HALO, job.shape).shape) for one in seen)
    peak = max(one.peak_bytes for one in times.spent if one.voxels)
    blocks = sum(math.prod(one.shape) for one in sample_blocks(Region.whole(job.shape)))
    regions = graph_regions(job.shape, job.tiles)
    once = _seconds(times.spent)
    return Costs(
        start_s=start_s,
        look_s=_timed(lambda: normalisation_of(excerpt, nan_policy="zero")) / voxels
        + read_s * _passes(excerpt.dtype),
        stages=_stage_costs(times.spent, job),
        noise_s=once.get("noise", 0.0) / blocks,
        graph_s=once.get("stitch", 0.0) / regions,
        tree_s=math.fsum(once.get(stage, 0.0) for stage in _TREE),
        level_s=_level_seconds(labels, trial.volume, folder),
        step_s=ready.step_s,
        process_bytes=float(process_bytes),
        tile_bytes=max(peak - process_bytes, 0) / most,
        train_bytes=float(ready.train_bytes),
        kept_bytes=kept / voxels,
    )


@final
@dataclass(frozen=True)
class _Ready:
    """A model, and what it took to train it."""

    model: Path
    train_bytes: int
    step_s: float


@final
@dataclass(frozen=True)
class _Train:
    """Train a model for a few steps; in a process of its own."""

    configuration: Configuration
    device: str
    nan_policy: NanPolicy

    def __call__(self, paths: tuple[Path, Path]) -> _Ready:
        file, target = paths
        volume, before = io.read(file), peak_memory_bytes()
        ends: list[float] = []

        def is_enough() -> bool:
            ends.append(time.perf_counter())
            return ends[-1] - ends[0] > _TRAIN_S

        segmenter = HierarchicalSegmenter(
            self.configuration, device=self.device, nan_policy=self.nan_policy, quiet=True
        )
        begin = time.perf_counter()
        segmenter.fit(volume, should_stop=is_enough).save(target)
        # The first step is slow, and tells nothing of the others where there are others.
        step_s = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else ends[0] - begin
        return _Ready(target, peak_memory_bytes() - before, step_s)


def _trained(trial: Trial, file: Path, folder: Path) -> _Ready:
    """The model, and what a few steps of its training took where there is none yet."""
    if trial.model is not None:
        return _Ready(trial.model, 0, 0.0)
    train = _Train(trial.configuration, trial.device, trial.nan_policy)
    with Processes(1, trial.threads or cores()) as crew:
        [(_, ready)] = crew.map(train, [(file, folder / "model.safetensors")])
    return ready


def _loaded(_: int) -> int:
    """Nothing: that it can be called means that this module, and all it needs, is loaded."""
    return 0


@final
@dataclass(frozen=True)
class _Embed:
    """Embed a small box: a network takes the same memory for a box of any size beyond that."""

    job: TileJob

    def __call__(self, _: int) -> int:
        stop = tuple(min(length, _BOX) for length in self.job.shape)
        self.job.codes(Region((0, 0, 0), (stop[0], stop[1], stop[2])))
        return peak_memory_bytes()


def _segmented(job: TileJob, trial: Trial) -> tuple[float, int, StageTimes, LookedUp]:
    """The tiles of the excerpt, worked on side by side as those of the volume will be.

    Returns:
        Seconds until workers can work, the memory of one before it does, what the stages took, and
        labels.
    """
    times = StageTimes()
    ledger = Ledger(job.folder, fingerprint={})
    together = trial.workers or cores()
    beside = min(len(job.tiles), together)
    with Processes(beside, max(1, (trial.threads or cores()) // together)) as crew:
        begin = time.perf_counter()
        list(crew.map(_loaded, list(range(beside))))
        start_s = time.perf_counter() - begin
        before = max(peak for _, peak in crew.map(_Embed(job), list(range(beside))))
        place = Workplace(crew, ledger, times, quiet=True)
        if job.settings.clustering == "kmeans":
            found = kmeans_classes(job, [_LEVEL], place, seed=0)
            return start_s, before, times, found[_LEVEL]
        trunk = build_trunk(job, place)
    table = np.append(trunk.number % _LEVEL, 0).astype(np.uint8)
    return start_s, before, times, tile_labels(job, table)


def _level_seconds(labels: LookedUp, volume: Volume, folder: Path) -> float:
    """Seconds per voxel to look labels up and to write them in the format of a volume."""
    whole = Region.whole((labels.shape[1], labels.shape[2], labels.shape[3]))
    look_s = _timed(lambda: labels.read(whole)) / math.prod(whole.shape)
    # So many that it does not count how long it takes to make a file.
    many = InMemory(np.tile(labels.read(whole), (1, 4, 2, 2)))
    like = Volume.from_array(many.read(Region.whole(many.shape[1:])))
    suffix = io.label_suffix(volume.path) if volume.path else ".mrc"
    path = folder / f"level{suffix}"
    write_s = _timed(lambda: io.write_label_source(many, path, like=like, overwrite=True))
    return look_s + write_s / math.prod(many.shape)


def _timed(act: Callable[[], object]) -> float:
    """Seconds of something, done twice: the first time it may have to load what it needs."""
    act()
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _passes(dtype: np.dtype[Any]) -> int:
    """How often the voxels of a type are read for their statistics."""
    return 1 if dtype.kind in "bui" and dtype.itemsize <= 2 else 3


def _stage_costs(spent: Sequence[Spent], job: TileJob) -> dict[str, float]:
    """Seconds per voxel that a stage of the tiles goes over."""
    found = {}
    for stage, seconds in _seconds(spent).items():
        if stage not in _ONCE:
            boxes = [grown(tile, MARGINS.get(stage, 0), job.shape) for tile in job.tiles]
            found[stage] = seconds / sum(math.prod(box.shape) for box in boxes)
    return found


def _seconds(spent: Sequence[Spent]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for one in spent:
        total[one.stage] += one.seconds
    return total


def _excerpt(volume: Volume) -> tuple[Volume, float]:
    """A box from the middle of a volume, in memory, and the seconds that a voxel took to read."""
    longest = int(np.argmax(volume.spatial_shape))
    start, stop = [], []
    for axis, length in enumerate(volume.spatial_shape):
        side = min(length, 2 * _SIDE if axis == longest else _SIDE)
        start.append((length - side) // 2)
        stop.append(start[-1] + side)
    region = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    voxels = volume.read(region)
    slab = next(slabs(volume.source))  # as statistics read it: whole chunks
    read_s = _timed(lambda: volume.read(slab)) / math.prod(slab.shape)
    if not _is_telling(voxels):
        voxels = _synthetic(voxels.shape, volume.dtype)
    return Volume.from_array(voxels, voxel_size_nm=volume.voxel_size_nm, name="excerpt"), read_s


def _is_telling(voxels: Shaped[np.ndarray, "channels z y x"]) -> bool:
    """Whether voxels are numbers, and not all the same ones."""
    numbers = voxels.reshape(len(voxels), -1).astype(np.float64)
    return bool(np.isfinite(numbers).all() and (np.ptp(numbers, axis=1) > 0).all())


def _synthetic(shape: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Noise of a type, where the middle of a volume is empty."""
    noise = np.random.default_rng(0).normal(60.0, 15.0, tuple(shape)).clip(0, 120)
    return (noise > 60.0) if dtype.kind == "b" else noise.astype(dtype)


def _free_memory() -> int:
    """Bytes of memory that are free; without Linux, all that there are."""
    if sys.platform == "win32":
        return 2**63 - 1  # it does not say without more libraries
    if sys.platform != "linux":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = {line.partition(":")[0]: line.split()[1] for line in lines}
    free = int(sizes["MemAvailable"]) * 1024
    group = Path("/sys/fs/cgroup")
    try:  # a container may have less
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except OSError:
        return free
    return free if most == "max" else min(free, max(int(most) - used, 0))
