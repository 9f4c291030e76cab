"""`gyrovox plan`: what a segmentation will take, before it begins."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, LearningOptions, WorkOptions
from gyrovox.cli.inputs import check_level_counts, check_levels, open_volumes
from gyrovox.cli.results import Levels, loaded_segmenter, needed_bytes, new_segmenter
from gyrovox.cli.terminal import note, say
from gyrovox.errors import SettingsError

if TYPE_CHECKING:
    from gyrovox.pipeline import Trial
    from gyrovox.volumes import Volume


@final
@dataclass(frozen=True, kw_only=True)
class PlanCommand(Command):
    """Predict time, memory and disk of `gyrovox segment` by a trial of ten seconds.

    Segments an excerpt of the volume on this machine, and works out from that what all of it will
    take, and how many workers there are memory and cores for.
    """

    volume: Annotated[str, Positional, arg(metavar="VOLUME")]
    """Volume to plan for: a file, or channels of one joined by commas."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")] = Path()
    """Folder that results will be written into: whose disk is looked at."""

    model_file: Annotated[Path | None, arg(aliases=["-m"], metavar="MODEL.safetensors")] = None
    """Trained model. Without one, training is planned too."""

    levels: Annotated[Levels, arg(metavar="K...|auto")] = (2, 4, 8)
    """Number of classes at each level."""

    workers: Annotated[int | None, arg(metavar="N")] = None
    """Plan with so many workers; by default with as many as there are memory and cores for."""

    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise SettingsError(f"--workers must be at least 1, got {self.workers}.")
        settings = self.learning.segmentation
        check_levels(self.levels, settings)
        [volume] = open_volumes([self.volume])
        check_level_counts(self.levels, [volume], [None])
        trial = self._trial(volume)
        note("trying out an excerpt; about 10 seconds ...", quiet=self.work.quiet)
        # Imported here so that `--help` waits for no library.
        from gyrovox.pipeline import machine_at, measured_costs, planned

        with tempfile.TemporaryDirectory(prefix="gyrovox-plan-") as folder:
            costs = measured_costs(trial, Path(folder))
        files = 5 if self.levels == "auto" else len(self.levels)
        plan = planned(
            costs,
            volume.spatial_shape,
            machine_at(self.output),
            files=files + (settings.clustering == "tree"),
            results_bytes=needed_bytes([volume], self.levels, settings),
            steps=0 if self.model_file else self.learning.training.steps,
            workers=self.workers,
        )
        say(plan.table())
        if plan.lacks:
            say(f"There is too little {' and '.join(plan.lacks)} for this.")
        say(f"gyrovox segment {self.volume} ... --workers {plan.workers}")

    def _trial(self, volume: "Volume") -> "Trial":
        """What is tried out, once it is known to be possible."""
        from dataclasses import replace

        from gyrovox.pipeline import Trial

        if self.model_file is None:
            segmenter = new_segmenter(self.learning, self.work)
        else:
            segmenter = loaded_segmenter(self.model_file, self.work, self.learning.segmentation)
        segmenter.check(volume)
        return Trial(
            volume=volume,
            model=self.model_file,
            configuration=replace(
                segmenter.configuration_, segmentation=self.learning.segmentation
            ),
            device=self.work.device,
            threads=self.work.threads,
            workers=self.workers,
            nan_policy=self.work.nan_policy,
        )
