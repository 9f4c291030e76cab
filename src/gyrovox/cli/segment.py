"""`gyrovox segment`: labels at several levels."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import (
    CleaningOptions,
    Command,
    LatentOptions,
    LearningOptions,
    WorkerOptions,
    WorkOptions,
)
from gyrovox.cli.inputs import (
    check_level_counts,
    check_levels,
    check_voxels,
    files_of,
    kept_normalisations,
    open_volumes,
    read_masks,
    result_names,
)
from gyrovox.cli.outputs import check_folder, check_inputs_stay, check_space, made
from gyrovox.cli.results import (
    LATENTS,
    WRITTEN,
    Levels,
    latent_bytes,
    loaded_segmenter,
    needed_bytes,
    new_segmenter,
)
from gyrovox.cli.staged_results import StagedResults
from gyrovox.cli.terminal import note, say
from gyrovox.cli.tiled_results import check_tile, is_cut, kept_bytes
from gyrovox.errors import (
    FileAccessError,
    GyrovoxError,
    MissingFileError,
    OutputExistsError,
    OutputSpaceError,
    SchedulerError,
    SettingsError,
    WorkerLostError,
)
from gyrovox.progress import stopwatch

if TYPE_CHECKING:
    from gyrovox.execution import Ledger
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Volume

_STOPPING = "gyrovox: stopping as soon as may be; interrupt again to stop at once."
# What has nothing to do with the volumes and the settings: once it is mended, the run goes on.
_WORTH_KEEPING = (
    OutputSpaceError,
    WorkerLostError,
    SchedulerError,
    # Not before the run has begun, when they are mistakes: what was there went away, or came.
    FileAccessError,
    MissingFileError,
    OutputExistsError,
)


@final
@dataclass(frozen=True, kw_only=True)
class Segment(Command):
    """Segment volumes at several levels; trains on them where no model is given.

    Every volume gets a folder DIR/<its name>/ with level-K files in its own format, the tree that
    they are cuts of (tree.json and leaves), overview.png, model.safetensors and run.json. A large
    volume is worked on tile by tile, in bounded memory. The same command goes on after an
    interruption, a full disk or a lost worker.
    """

    volumes: Annotated[
        tuple[str, ...], Positional, arg(metavar="VOLUME...", help_behavior_hint="(required)")
    ]
    """Volumes to segment: one file each, or the channels of one joined by commas."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write into; made if absent."""

    model_file: Annotated[Path | None, arg(aliases=["-m"], metavar="MODEL.safetensors")] = None
    """Trained model. Without one, a model is trained on the volumes themselves."""

    levels: Annotated[Levels, arg(metavar="K...|auto")] = (2, 4, 8)
    """Number of classes at each level; `auto` leaves them to the tree, at most five."""

    masks: Annotated[
        tuple[str, ...], arg(name="mask", metavar="FILE...", help_behavior_hint="")
    ] = ()
    """Work only where this volume is not 0; one for each VOLUME, in their order. Classes then
    count from 1, and 0 is outside."""

    tile: Annotated[int | None, arg(metavar="SIDE")] = None
    """Side of the tiles that a volume is cut into, in voxels: a multiple of 32. By default, 128 for
    volumes of more than 10 million voxels, and one tile for others."""

    profile_run: bool = False
    """Say at the end where the time went."""

    latents: Annotated[LatentOptions, arg(name="")] = field(default_factory=LatentOptions)
    cleaning: Annotated[CleaningOptions, arg(name="")] = field(default_factory=CleaningOptions)
    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    workers: Annotated[WorkerOptions, arg(name="")] = field(default_factory=WorkerOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        settings = self.learning.segmentation
        check_levels(self.levels, settings)
        self.workers.check()
        check_tile(self.tile)
        self.latents.check()
        timings_s: dict[str, float] = {}
        with stopwatch(timings_s, "check"):
            volumes = open_volumes(self.volumes)
            masks = read_masks(self.masks, volumes)
            check_level_counts(self.levels, volumes, masks)
            names = result_names(self.volumes)
            folders = [self.output / name for name in names]
            if not self._is_begun:  # else some of them may be there
                self._check_folders(folders)
            check_inputs_stay(files_of([*self.volumes, *self.masks]), folders)
            cleaning = self.cleaning.settings
            segmenter = self._segmenter()
            if not self._is_begun:
                check_space(self.output, self._needed_bytes(volumes, segmenter))
            for volume in volumes:
                segmenter.check(volume)
        nan_policy = self.work.nan_policy
        with stopwatch(timings_s, "look"), segmenter.times_.measure("look"):
            looked = None if self._is_begun else check_voxels(volumes, nan_policy=nan_policy)
        with self._run_folder() as ledger:
            looked = kept_normalisations(ledger, volumes, looked, nan_policy=nan_policy)
            results = StagedResults(
                ledger=ledger,
                segmenter=self._trained(segmenter, volumes, ledger, timings_s),
                output=self.output,
                volumes=self.volumes,
                masks=self.masks,
                model_file=self.model_file,
                levels=self.levels,
                tile=self.tile,
                cleaning=cleaning,
                latents=self.latents,
                workers=self.workers,
                work=self.work,
            )
            for index, (name, volume) in enumerate(zip(names, volumes, strict=True)):
                if results.are_published(name):
                    continue
                self._check_folders([self.output / name])
                if not results.are_made(name):
                    results.make(
                        name,
                        index,
                        volume,
                        mask=masks[index],
                        normalisation=looked[index],
                        timings_s=dict(timings_s),
                    )
            for name in names:
                results.publish(name)
        if self.profile_run:
            say(results.segmenter.times_.table())
        for name in names:
            self._say_where(self.output / name)

    def _needed_bytes(self, volumes: "list[Volume]", segmenter: "HierarchicalSegmenter") -> int:
        """Bytes that the run takes at most."""
        settings = self.learning.segmentation
        needed = needed_bytes(volumes, self.levels, settings)
        cut = [volume for volume in volumes if is_cut(volume, self.tile)]
        needed += kept_bytes(cut, self.levels, settings, self.cleaning.settings)
        if self.latents.keep_latents:
            latent_dim = segmenter.configuration_.model.latent_dim
            needed += latent_bytes(volumes, self.latents.latent_dtype, latent_dim=latent_dim)
        return needed

    def _say_where(self, folder: Path) -> None:
        note(f"the levels of {folder.name} are in {folder}", quiet=self.work.quiet)
        if self.latents.keep_latents:
            from gyrovox.pipeline import stated_error

            error = stated_error(folder / LATENTS)
            lost = f", no farther than {error:.2g} from where they were" if error else ""
            note(
                f"the codes of {folder.name} are in {folder / LATENTS}{lost}", quiet=self.work.quiet
            )

    @property
    def _run(self) -> Path:
        """What the folder of the run is named after."""
        return self.output / "segment"

    @property
    def _is_begun(self) -> bool:
        """Whether the folder of a run is there."""
        from gyrovox.pipeline import run_folder

        return run_folder(self._run).exists()

    @property
    def _fingerprint(self) -> dict[str, object]:
        """Everything that the results depend on."""
        from gyrovox.execution import Contents
        from gyrovox.pipeline import stamps

        model = None if self.model_file is None else asdict(Contents.of(self.model_file))
        return {
            "command": "segment",
            "volumes": list(self.volumes),
            "files": [stamps(volume) for volume in self.volumes],
            "masks": [[mask, stamps(mask)] for mask in self.masks],
            "levels": self.levels,
            "cleaning": asdict(self.cleaning),
            "latents": asdict(self.latents),
            "model_file": model,
            "settings": asdict(self.learning.settings),
            "seed": self.learning.seed,
            "nan_policy": self.work.nan_policy,
            "tile": self.tile,
            "gyrovox": version("gyrovox"),
        }

    def _check_folders(self, folders: list[Path]) -> None:
        for folder in folders:
            check_folder(folder, WRITTEN, overwrite=self.work.overwrite)

    @contextlib.contextmanager
    def _run_folder(self) -> "Iterator[Ledger]":
        """The record of what is finished; it goes once all is, and where nothing is worth keeping.

        Raises:
            GyrovoxError: If the results cannot be made of these inputs.
        """
        from gyrovox.pipeline import opened_run

        with (
            made(self.output),
            opened_run(self._run, self._fingerprint, overwrite=self.work.overwrite) as ledger,
        ):
            try:
                yield ledger
            except GyrovoxError as error:
                if not isinstance(error, _WORTH_KEEPING):
                    shutil.rmtree(ledger.folder, ignore_errors=True)
                raise
            # Some systems hold back a file, such as the lock, while it is open.
            shutil.rmtree(ledger.folder, ignore_errors=True)

    def _segmenter(self) -> "HierarchicalSegmenter":
        if self.model_file is None:
            return new_segmenter(self.learning, self.work)
        # How codes become classes is nothing that a model has learned.
        plain = LearningOptions()
        if replace(self.learning, segmentation=plain.segmentation) != plain:
            raise SettingsError(
                f"a trained model has its own settings: leave away either -m {self.model_file} or "
                f"--seed, --configuration, --config, --model.*, --training.* and the like."
            )
        return loaded_segmenter(self.model_file, self.work, self.learning.segmentation)

    def _trained(
        self,
        segmenter: "HierarchicalSegmenter",
        volumes: "list[Volume]",
        ledger: "Ledger",
        timings_s: dict[str, float],
    ) -> "HierarchicalSegmenter":
        """The segmenter with its model, which is in the run's folder too.

        Raises:
            KeyboardInterrupt: If it was asked to stop; what was learned so far is kept.
        """
        from gyrovox.execution import stoppable

        kept = ledger.path("model", "trained", ".safetensors")
        if not ledger.done("model", "trained"):
            if self.model_file is None:
                checkpoint = ledger.folder / "checkpoint.safetensors"
                with (
                    stopwatch(timings_s, "train"),
                    segmenter.times_.measure("train"),
                    stoppable("" if self.work.quiet else _STOPPING) as stopping,
                ):
                    segmenter.fit(volumes, checkpoint=checkpoint, should_stop=stopping)
                record = segmenter.record_
                if record is not None and record.steps < self.learning.training.steps:
                    raise KeyboardInterrupt("interrupted; the same command goes on from there.")
            with ledger.write("model", "trained", ".safetensors") as path:
                segmenter.save(path)
        elif self.model_file is None:
            return loaded_segmenter(kept, self.work, self.learning.segmentation)
        return segmenter
