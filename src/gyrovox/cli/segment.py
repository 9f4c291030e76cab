"""`gyrovox segment`: labels at several levels."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import CleaningOptions, Command, LearningOptions, WorkOptions
from gyrovox.cli.inputs import (
    check_level_counts,
    check_levels,
    check_voxels,
    files_of,
    open_volumes,
    read_masks,
    result_names,
)
from gyrovox.cli.outputs import check_folder, check_inputs_stay, check_space, publish, staging
from gyrovox.cli.results import (
    RECORD,
    WRITTEN,
    Levels,
    loaded_segmenter,
    needed_bytes,
    new_segmenter,
    recorded_settings,
    write_segmentation,
)
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError
from gyrovox.progress import stopwatch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gyrovox.segmentation import Cleaning
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Volume


@final
@dataclass(frozen=True, kw_only=True)
class Segment(Command):
    """Segment volumes at several levels; trains on them where no model is given.

    Every volume gets a folder DIR/<its name>/ with level-K files in its own format, the tree that
    they are cuts of (tree.json and leaves), overview.png, model.safetensors and run.json.
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

    cleaning: Annotated[CleaningOptions, arg(name="")] = field(default_factory=CleaningOptions)
    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        settings = self.learning.segmentation
        check_levels(self.levels, settings)
        timings_s: dict[str, float] = {}
        with stopwatch(timings_s, "check"):
            volumes = open_volumes(self.volumes)
            masks = read_masks(self.masks, volumes)
            check_level_counts(self.levels, volumes, masks)
            names = result_names(self.volumes)
            for name in names:
                check_folder(self.output / name, WRITTEN, overwrite=self.work.overwrite)
            folders = [self.output / name for name in names]
            check_inputs_stay(files_of([*self.volumes, *self.masks]), folders)
            check_space(self.output, needed_bytes(volumes, self.levels, settings))
            cleaning = self.cleaning.settings
            check_voxels(volumes, nan_policy=self.work.nan_policy)
            segmenter = self._segmenter()
            for volume in volumes:
                segmenter.check(volume)
        with staging(self.output) as hidden:
            if self.model_file is None:
                with stopwatch(timings_s, "train"):
                    segmenter.fit(volumes)
            for index, (name, volume) in enumerate(zip(names, volumes, strict=True)):
                self._write(
                    hidden / name,
                    index,
                    volume,
                    inside=masks[index],
                    cleaning=cleaning,
                    segmenter=segmenter,
                    timings_s=dict(timings_s),
                )
            for name in names:
                publish(hidden / name, self.output / name)
        for name in names:
            note(f"the levels of {name} are in {self.output / name}", quiet=self.work.quiet)

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

    def _write(
        self,
        folder: Path,
        index: int,
        volume: "Volume",
        *,
        inside: "NDArray[np.bool_] | None",
        cleaning: "Cleaning",
        segmenter: "HierarchicalSegmenter",
        timings_s: dict[str, float],
    ) -> None:
        from gyrovox.report import write_run_record

        folder.mkdir()
        files = write_segmentation(
            folder, volume, segmenter, self.levels, timings_s, inside=inside, cleaning=cleaning
        )
        write_run_record(
            folder / RECORD,
            command="segment",
            settings=recorded_settings(
                segmenter,
                self.work,
                volume=self.volumes[index],
                levels=list(files),
                mask=self.masks[index] if self.masks else None,
                cleaning=asdict(cleaning),
                model_file=None if self.model_file is None else str(self.model_file),
                trained_on=list(self.volumes) if self.model_file is None else None,
            ),
            volumes=[volume],
            timings_s=timings_s,
        )
