"""`gyrovox train`: a model for many volumes."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, LearningOptions, WorkOptions
from gyrovox.cli.inputs import open_volumes
from gyrovox.cli.outputs import check_absent, check_space, made
from gyrovox.cli.results import new_segmenter
from gyrovox.cli.terminal import complain, note
from gyrovox.errors import SettingsError, TrainingError

if TYPE_CHECKING:
    from gyrovox.segmenter import HierarchicalSegmenter
    from gyrovox.volumes import Volume

_CHECKPOINT = "checkpoint.safetensors"
_STOPPING = "gyrovox: stopping after this step; interrupt again to stop at once."
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it


@final
@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on volumes, without labels.

    The same command goes on after an interruption. Started by torchrun, several processes share
    the work.
    """

    volumes: Annotated[
        tuple[str, ...], Positional, arg(metavar="VOLUME...", help_behavior_hint="(required)")
    ]
    """Volumes to learn from: one file each, or the channels of one joined by commas."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="MODEL.safetensors")]
    """Model file to write."""

    checkpoint_every: Annotated[float, arg(metavar="SECONDS")] = 30.0
    """Time between two checkpoints; an interrupted run goes on from the last one."""

    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        self._check_output()
        volumes = open_volumes(self.volumes)
        # Imported here so that `--help` waits for no library.
        from gyrovox.execution import stoppable
        from gyrovox.training import own_device, process_group

        with process_group() as group, stoppable(_STOPPING if group.leads else "") as stopping:
            quiet = self.work.quiet or not group.leads
            work = replace(self.work, device=own_device(self.work.device), quiet=quiet)
            segmenter = new_segmenter(self.learning, work)
            for volume in volumes:
                segmenter.check(volume)
            stopped = False
            if group.leads:
                stopped = self._train(segmenter, volumes, stopping)
            else:
                # Any path: this process keeps nothing, and goes on from what the leader has kept.
                self._fit(segmenter, volumes, self._checkpoint, stopping)
        if stopped:  # not before: all processes leave their group together
            raise SystemExit(_INTERRUPTED)

    @property
    def _checkpoint(self) -> Path:
        return self.output.with_name(f".{self.output.name}.gyrovox-run") / _CHECKPOINT

    def _check_output(self) -> None:
        """Refuse an output that cannot be written, or is there and does not belong to this run.

        Raises:
            SettingsError: If it is no name of a model file.
        """
        if self.output.suffix != ".safetensors":
            raise SettingsError(
                f"a model file's name must end in .safetensors, got {self.output.name!r}."
            )
        if not self.checkpoint_every >= 0:
            raise SettingsError(
                f"--checkpoint-every must be 0 or positive, got {self.checkpoint_every:g}."
            )
        # Beside a checkpoint lies what a run that was stopped has learned so far.
        if not self._checkpoint.exists():
            check_absent([self.output], overwrite=self.work.overwrite)
        if self.output.is_dir():
            raise SettingsError(f"-o must name a model file, and {self.output} is a folder.")
        check_space(self.output.parent, 64 * 2**20)

    def _train(
        self,
        segmenter: "HierarchicalSegmenter",
        volumes: list["Volume"],
        should_stop: Callable[[], bool],
    ) -> bool:
        """Train, save, and say what became of it; whether it was stopped before the last step."""
        with self._kept() as checkpoint:
            steps = self._fit(segmenter, volumes, checkpoint, should_stop)
            segmenter.save(self.output)
            wanted = self.learning.training.steps
            if steps < wanted:
                same = (
                    "the same command, without --overwrite,"
                    if self.work.overwrite
                    else ("the same command")
                )
                complain(
                    f"stopped after {steps} of {wanted} steps. {self.output} holds what was "
                    f"learned so far; {same} goes on from there."
                )
                return True
            shutil.rmtree(checkpoint.parent)
        note(f"the model is in {self.output}", quiet=self.work.quiet)
        return False

    def _fit(
        self,
        segmenter: "HierarchicalSegmenter",
        volumes: list["Volume"],
        checkpoint: Path,
        should_stop: Callable[[], bool],
    ) -> int:
        """Train; the number of steps that the model has seen."""
        segmenter.fit(
            volumes,
            checkpoint=checkpoint,
            checkpoint_every_s=self.checkpoint_every,
            should_stop=should_stop,
        )
        record = segmenter.record_
        return 0 if record is None else record.steps

    @contextlib.contextmanager
    def _kept(self) -> Iterator[Path]:
        """The checkpoint in a hidden folder beside the output, which no other run may write to.

        The folder stays while there is something in it to go on from.

        Raises:
            TrainingError: If the loss stopped being a number.
            SystemExit: If the user interrupted it, and there is something to go on from.
        """
        from gyrovox.execution import exclusive

        checkpoint = self._checkpoint
        with made(self.output.parent), exclusive(checkpoint.parent):
            if self.work.overwrite:
                checkpoint.unlink(missing_ok=True)
            if checkpoint.exists():
                note(f"going on from {checkpoint}", quiet=self.work.quiet)
            try:
                yield checkpoint
            except TrainingError:
                shutil.rmtree(checkpoint.parent)  # from there it would go wrong again
                raise
            except BaseException as error:
                if not checkpoint.exists():
                    shutil.rmtree(checkpoint.parent)
                elif isinstance(error, KeyboardInterrupt):
                    complain("interrupted; the same command goes on from the last checkpoint.")
                    raise SystemExit(_INTERRUPTED) from error
                raise
