"""The codes of a volume of any size, from its file to an OME-Zarr, tile by tile."""

import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import final

import numpy as np

from gyrovox import devices, io
from gyrovox.execution import Contents, Executor, Ledger, executor, stoppable
from gyrovox.inference.latents import LatentDtype, LatentStorage, latent_storage
from gyrovox.io.ome_zarr import OWN
from gyrovox.io.zarr_sink import ZarrSink, create_sink
from gyrovox.patches import pieces
from gyrovox.pipeline.inputs import ModelFile, VolumeFile, stamps
from gyrovox.pipeline.kept_normalisation import kept_normalisation
from gyrovox.pipeline.run_folder import opened_run, put_in_place, run_folder
from gyrovox.progress import progress
from gyrovox.volumes import NanPolicy, Normalisation, Region, Volume, normalisation_of

_STOPPING = "gyrovox: stopping after the tiles at hand; interrupt again to stop at once."
_ERROR = "largest_distance_error"
_SAMPLE = 48  # side of the boxes that show how large codes become, in voxels


@final
@dataclass(frozen=True, kw_only=True)
class EmbeddingRun:
    """An embedding of a whole volume, which goes on where the same one was broken off.

    Args:
        volume: Paths of the volume: one, or its channels.
        model: Model file.
        output: OME-Zarr to be.
        dtype: Type that codes are stored as.
        workers: How many tiles are worked on at a time.
        scheduler: None for this machine, ``slurm``, or the address of a dask scheduler.
        device: Where to compute.
        threads: CPU threads on this machine at most, of all workers together.
        nan_policy: What to do with NaN and infinite voxels.
        overwrite: Replace an output, and a run of another kind, that are there.
        quiet: Show no progress.
    """

    volume: tuple[str, ...]
    model: Path
    output: Path
    dtype: LatentDtype = "float32"
    workers: int = 1
    scheduler: str | None = None
    device: str = "auto"
    threads: int | None = None
    nan_policy: NanPolicy = "error"
    overwrite: bool = False
    quiet: bool = False

    def run(self, crew: Executor | None = None) -> float:
        """Make the output, or what is missing of it.

        Args:
            crew: Who does the work, if not workers of the run's own; not let go at the end.

        Returns:
            The largest distance, in latent space, of a code and what was stored of it.

        Raises:
            VolumeError: If the volume cannot be worked with.
            RunMismatchError: If a run of another kind was broken off there.
            RunLockedError: If another process is making the same output.
            OutputSpaceError: If there is no room; what is finished is kept.
            WorkerLostError: If a tile takes down every worker.
            KeyboardInterrupt: If it was asked to stop; what is finished is kept.
        """
        volume = io.read(self.volume)
        # Before there is a folder: what is wrong with the volume leaves none behind.
        first = None if run_folder(self.output).exists() else self._normalisation(volume)
        with opened_run(self.output, self._fingerprint(volume), overwrite=self.overwrite) as ledger:
            normalisation = kept_normalisation(
                ledger, "normalisation", lambda: first or self._normalisation(volume)
            )
            tile = self._tile(ledger, volume, normalisation)
            error = self._finish(ledger, tile, pieces(volume.spatial_shape), crew)
            tile.sink.describe({
                "steps": list(tile.storage.steps) if self.dtype == "int8" else None,
                _ERROR: error,
            })
            put_in_place(ledger, tile.sink.path, self.output)
        return error

    def _fingerprint(self, volume: Volume) -> dict[str, object]:
        """What the codes depend on."""
        return {
            "command": "embed",
            "gyrovox": version("gyrovox"),
            "volume": stamps(self.volume),
            "paths": list(self.volume),
            "shape": list(volume.shape),
            "voxel_size_nm": volume.voxel_size_nm,
            "model": asdict(Contents.of(self.model)),
            "dtype": self.dtype,
            "nan_policy": self.nan_policy,
        }

    def _normalisation(self, volume: Volume) -> Normalisation:
        with progress("look", math.prod(volume.spatial_shape), unit="voxels", quiet=self.quiet):
            return normalisation_of(volume, nan_policy=self.nan_policy)

    def _tile(self, ledger: Ledger, volume: Volume, normalisation: Normalisation) -> "_EmbedTile":
        """The task that every tile is given to."""
        model = ModelFile(self.model.absolute(), self.device)
        storage = self._kept_storage(ledger, model, volume, normalisation)
        sink = create_sink(
            ledger.folder.absolute() / self.output.name,
            like=volume,
            channels=len(storage.steps),
            dtype=storage.stored_dtype,
            name=f"codes of {volume.name}",
        )
        return _EmbedTile(VolumeFile.of(self.volume), model, normalisation, storage, sink)

    def _kept_storage(
        self,
        ledger: Ledger,
        model: ModelFile,
        volume: Volume,
        normalisation: Normalisation,
    ) -> LatentStorage:
        """The storage that the run began with: steps may differ from device to device."""
        if not ledger.done("statistics", "storage"):
            found = self._storage(model, volume, normalisation)
            with ledger.write("statistics", "storage", ".json") as path:
                path.write_text(json.dumps(found.steps), encoding="utf-8")
        steps = json.loads(ledger.path("statistics", "storage", ".json").read_text("utf-8"))
        return LatentStorage(self.dtype, tuple(steps))

    def _storage(
        self, model: ModelFile, volume: Volume, normalisation: Normalisation
    ) -> LatentStorage:
        dim = model.segmenter().configuration_.model.latent_dim
        if self.dtype != "int8":
            return latent_storage(self.dtype, np.zeros((1, dim), np.float32))
        sample = [
            model.codes(volume, normalisation, region).reshape(-1, dim)
            for region in _spread_boxes(volume.spatial_shape)
        ]
        return latent_storage(self.dtype, np.concatenate(sample))

    def _finish(
        self, ledger: Ledger, tile: "_EmbedTile", regions: Sequence[Region], crew: Executor | None
    ) -> float:
        """Make the tiles that are missing; the largest error of all.

        Raises:
            KeyboardInterrupt: If it was asked to stop.
        """
        missing = [region for region in regions if not _is_done(ledger, tile.sink, region)]
        voxels = sum(math.prod(region.shape) for region in regions)
        done = voxels - sum(math.prod(region.shape) for region in missing)
        with (
            progress("embed", voxels, unit="voxels", quiet=self.quiet) as bar,
            stoppable("" if self.quiet else _STOPPING) as stopping,
            self._crew() if crew is None else contextlib.nullcontext(crew) as workers,
        ):
            bar.advance(done)
            for index, report in workers.map(tile, missing):
                _record(ledger, tile.sink, missing[index], report)
                bar.advance(math.prod(missing[index].shape))
                if stopping():
                    raise KeyboardInterrupt(
                        "interrupted; the same command goes on with the tiles that are missing."
                    )
        return max(_error(ledger, region) for region in regions)

    def _crew(self) -> Executor:
        """Workers of the run's own."""
        threads = None if self.threads is None else max(1, self.threads // self.workers)
        if self.workers == 1 and self.scheduler is None:
            devices.limit_threads(threads)
        return executor(self.workers, self.scheduler, threads_each=threads)


def stated_error(latents: Path) -> float:
    """What was said of codes that an `EmbeddingRun` wrote.

    Args:
        latents: The OME-Zarr.

    Returns:
        The largest distance, in latent space, of a code and what was stored of it.
    """
    attributes = json.loads((latents / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    return float(attributes[OWN][_ERROR])


@final
@dataclass(frozen=True)
class _Report:
    """What a tile's task leaves: its files, and the largest error of its codes."""

    files: tuple[tuple[Path, Contents], ...]
    error: float


@final
@dataclass(frozen=True)
class _EmbedTile:
    """The codes of one region, from the volume's file to the sink; depends on nothing else."""

    volume: VolumeFile
    model: ModelFile
    normalisation: Normalisation
    storage: LatentStorage
    sink: ZarrSink

    def __call__(self, region: Region) -> _Report:
        codes = self.model.codes(self.volume.volume(), self.normalisation, region)
        self.sink.write(region, self.storage.stored(codes))
        error = self.storage.largest_error(codes, self.model.segmenter().vae_.manifold)
        return _Report(self.sink.contents(region), error)


def _spread_boxes(shape: tuple[int, int, int]) -> list[Region]:
    """One box in the middle of each eighth of a volume."""
    spans = []
    for length in shape:
        side = min(_SAMPLE, length // 2)
        starts = [length // 4 - side // 2, 3 * length // 4 - side // 2]
        spans.append([(start, start + side) for start in starts])
    return [
        Region((z[0], y[0], x[0]), (z[1], y[1], x[1]))
        for z in spans[0]
        for y in spans[1]
        for x in spans[2]
    ]


def _key(region: Region) -> str:
    return "-".join(map(str, region.start))


def _shard_key(file: Path, sink: ZarrSink) -> str:
    return ".".join(file.relative_to(sink.path).parts)


def _is_done(ledger: Ledger, sink: ZarrSink, region: Region) -> bool:
    return ledger.done("tiles", _key(region)) and all(
        ledger.done("shards", _shard_key(file, sink)) for file in sink.files(region)
    )


def _record(ledger: Ledger, sink: ZarrSink, region: Region, report: _Report) -> None:
    """Write down a tile: its shards, then, last, the tile itself."""
    for file, contents in report.files:
        ledger.record("shards", _shard_key(file, sink), file, contents)
    with ledger.write("tiles", _key(region), ".json") as path:
        path.write_text(json.dumps({_ERROR: report.error}), encoding="utf-8")


def _error(ledger: Ledger, region: Region) -> float:
    """The largest error of a finished tile."""
    text = ledger.path("tiles", _key(region), ".json").read_text(encoding="utf-8")
    return float(json.loads(text)[_ERROR])
