"""The results of `gyrovox segment` while they are made: volume by volume, in the run's folder."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from gyrovox.cli.command import LatentOptions, WorkerOptions, WorkOptions
from gyrovox.cli.outputs import publish
from gyrovox.cli.report import leave_report
from gyrovox.cli.results import LATENTS, RECORD, Levels, recorded_settings, write_segmentation
from gyrovox.cli.tiled_results import is_cut, write_tiled_segmentation
from gyrovox.progress import stopwatch

if TYPE_CHECKING:
    from gyrovox.execution import Executor, Ledger
    from gyrovox.pipeline import TileJob
    from gyrovox.segmentation import Cleaning
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Mask, Normalisation, Volume


@final
@dataclass(frozen=True, kw_only=True)
class StagedResults:
    """Makes what is left of each volume in a hidden folder, and moves it out once all is there.

    Args:
        ledger: The run's; its stage ``model`` is finished.
        segmenter: The segmenter of that model.
        output: Folder that the results are moved to.
        volumes: The volumes, as the user named them.
        masks: Their masks, likewise; none, or one for each.
        model_file: The model that the user gave, if any.
        levels: Numbers of classes, or ``auto``.
        tile: Side of a tile, if it was asked for.
        cleaning: What becomes of specks and holes.
        latents: Whether codes are kept, and how.
        workers: Who shares the work on a volume in tiles.
        work: How the work is done.
    """

    ledger: "Ledger"
    segmenter: "HierarchicalSegmenter"
    output: Path
    volumes: Sequence[str]
    masks: Sequence[str]
    model_file: Path | None
    levels: Levels
    tile: int | None
    cleaning: "Cleaning"
    latents: LatentOptions
    workers: WorkerOptions
    work: WorkOptions

    def are_made(self, name: str) -> bool:
        """Whether those of a volume are all there, every file as it was written."""
        return self.ledger.done("results", name)

    def make(
        self,
        name: str,
        index: int,
        volume: "Volume",
        *,
        mask: "Mask | None",
        normalisation: "Normalisation",
        timings_s: dict[str, float],
    ) -> None:
        """Make everything that is left of a volume.

        Args:
            name: Name of the folder of its results.
            index: Which of the volumes it is.
            volume: It.
            mask: Where to work; everywhere if None.
            normalisation: How its voxels become numbers that a network can read.
            timings_s: Seconds by stage; added to.
        """
        from gyrovox.execution import Serial

        folder = self._folder(name)
        _clear(folder)
        if is_cut(volume, self.tile):
            job = self._job(index, mask, normalisation)
            with self._crew() as crew:
                self._keep_latents(name, index, volume, crew, timings_s=timings_s)
                files = self._tiled(folder, job, crew, timings_s)
        else:
            self._keep_latents(name, index, volume, Serial(), timings_s=timings_s)
            files = write_segmentation(
                folder,
                volume,
                self.segmenter,
                self.levels,
                timings_s,
                inside=None if mask is None else mask.inside(),
                cleaning=self.cleaning,
            )
        self._write_record(folder, index, volume, list(files), timings_s)
        leave_report(folder, volume, place=str(self.output / name))
        self.ledger.record("results", name, folder)
        shutil.rmtree(self._tiles_folder(index), ignore_errors=True)

    def publish(self, name: str) -> None:
        """Move the results of a volume to where they belong, unless that is done."""
        from gyrovox.execution import Contents

        staged, target = self._folder(name), self.output / name
        if staged.exists():
            # Noted first: whoever is killed in between finds the staged one, and moves that.
            record = Contents.of(staged / RECORD)
            self.ledger.record("published", name, target / RECORD, record)
            publish(staged, target)

    def are_published(self, name: str) -> bool:
        """Whether the results of a volume are where they belong."""
        return not self._folder(name).exists() and self.ledger.done("published", name)

    @property
    def _model(self) -> Path:
        """The file of the model that all is made with."""
        return self.ledger.path("model", "trained", ".safetensors").absolute()

    def _folder(self, name: str) -> Path:
        return self.ledger.folder / "results" / name

    def _tiles_folder(self, index: int) -> Path:
        return self.ledger.folder / f"tiles-{index}"

    def _crew(self) -> "Executor":
        from gyrovox.execution import executor

        each = self.workers.threads_each(self.work.threads)
        return executor(self.workers.workers, self.workers.scheduler, threads_each=each)

    def _keep_latents(
        self,
        name: str,
        index: int,
        volume: "Volume",
        crew: "Executor",
        *,
        timings_s: dict[str, float],
    ) -> None:
        """The codes of all voxels, before the labels: what comes after them cannot lose them."""
        from gyrovox.io.location import locations
        from gyrovox.pipeline import EmbeddingRun, run_folder

        if not self.latents.keep_latents or self.ledger.done("latents", name):
            return
        output = self._folder(name) / LATENTS
        if output.exists():  # damaged, or its maker was killed before it had noted it
            shutil.rmtree(output)
            shutil.rmtree(run_folder(output), ignore_errors=True)
        voxels = math.prod(volume.spatial_shape)
        with stopwatch(timings_s, "latents"), self.segmenter.times_.measure("latents", voxels):
            EmbeddingRun(
                volume=tuple(map(str, locations(self.volumes[index]))),
                model=self._model,
                output=output,
                dtype=self.latents.latent_dtype,
                device=self.work.device,
                nan_policy=self.work.nan_policy,
                # This run is the same one, or its ledger would have refused to go on.
                overwrite=True,
                quiet=self.work.quiet,
            ).run(crew)
        self.ledger.record("latents", name, output)

    def _job(self, index: int, mask: "Mask | None", normalisation: "Normalisation") -> "TileJob":
        """What is done to the tiles of a volume."""
        from gyrovox.patches import SIDE
        from gyrovox.pipeline import ModelFile, TileJob, VolumeFile

        # As without one, where a mask holds every voxel.
        is_masked = mask is not None and not mask.is_everything
        return TileJob(
            volume=VolumeFile.of(self.volumes[index]),
            mask=VolumeFile.of(self.masks[index] if is_masked else None),
            model=ModelFile(self._model, self.work.device),
            normalisation=normalisation,
            settings=self.segmenter.configuration_.segmentation,
            side=self.tile or SIDE,
            folder=self._tiles_folder(index).absolute(),
        )

    def _tiled(
        self, folder: Path, job: "TileJob", crew: "Executor", timings_s: dict[str, float]
    ) -> dict[int, Path]:
        """The labels of a volume that is cut into tiles, and what belongs to them."""
        from gyrovox.execution import Ledger
        from gyrovox.pipeline import Workplace

        # In the folder of a run whose ledger knows what it depends on.
        own = Ledger(job.folder, fingerprint={"volume": job.volume.paths})
        return write_tiled_segmentation(
            folder,
            job,
            Workplace(crew, own, self.segmenter.times_, quiet=self.work.quiet),
            self.segmenter,
            self.levels,
            cleaning=self.cleaning,
            timings_s=timings_s,
        )

    def _write_record(
        self,
        folder: Path,
        index: int,
        volume: "Volume",
        levels: list[int],
        timings_s: dict[str, float],
    ) -> None:
        from gyrovox.patches import SIDE
        from gyrovox.pipeline import stated_error
        from gyrovox.report import write_run_record

        latents = None
        if self.latents.keep_latents:
            latents = {
                "dtype": self.latents.latent_dtype,
                "largest_distance_error": stated_error(folder / LATENTS),
            }
        write_run_record(
            folder / RECORD,
            command="segment",
            settings=recorded_settings(
                self.segmenter,
                self.work,
                volume=self.volumes[index],
                levels=levels,
                mask=self.masks[index] if self.masks else None,
                cleaning=asdict(self.cleaning),
                latents=latents,
                tile=(self.tile or SIDE) if is_cut(volume, self.tile) else None,
                model_file=None if self.model_file is None else str(self.model_file),
                trained_on=list(self.volumes) if self.model_file is None else None,
            ),
            volumes=[volume],
            timings_s=timings_s,
        )


def _clear(folder: Path) -> None:
    """See to it that a folder of results is there, and holds codes at most."""
    from gyrovox.pipeline import run_folder

    latents = folder / LATENTS
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path in {latents, run_folder(latents)}:
            continue
        if path.is_dir():  # labels in the format of an OME-Zarr
            shutil.rmtree(path)
        else:
            path.unlink()
