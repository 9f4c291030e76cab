"""`gyrovox train-detector`: a detector of particles."""

import contextlib
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import arg

from gyrovox.cli.command import Command, WorkOptions
from gyrovox.cli.outputs import check_absent, check_space, made
from gyrovox.cli.terminal import complain, note, say
from gyrovox.errors import SettingsError, TrainingError

if TYPE_CHECKING:
    from gyrovox.particles.detector import (
        DetectorRecord,
        DetectorSettings,
        Example,
        ParticleDetector,
    )

_CHECKPOINT = "checkpoint.safetensors"
_STOPPING = "gyrovox: stopping after this step; interrupt again to stop at once."
_INTERRUPTED = 130  # 128 + SIGINT, as shells say it
_HELD_OUT = 8  # one of so many tomograms, by which the threshold is chosen


@final
@dataclass(frozen=True, kw_only=True)
class TrainDetector(Command):
    """Train a detector of particles, on simulated tomograms or on your own.

    The same command goes on after an interruption.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="DETECTOR.safetensors")]
    """Detector to write."""

    classes: Annotated[tuple[str, ...], arg(metavar="NAME...")] = ("virion",)
    """What it is to tell apart; everything else is background."""

    data: Annotated[tuple[Path, ...], arg(metavar="DIR...")] = ()
    """Folders with a tomogram and its particles each, to learn from instead of simulated ones:
    tomogram.mrc (or another format) and particles.star (or .csv), with diameters."""

    tomograms: Annotated[int, arg(metavar="N")] = 64
    """Tomograms to simulate; one of eight is kept to choose the threshold by."""

    steps: Annotated[int, arg(metavar="N")] = 800
    """Number of updates."""

    seed: int = 0
    """Seed of everything random."""

    voxel_size_nm: Annotated[float | None, arg(metavar="NM")] = None
    """Side of the voxels that the detector reads; a twentieth of the smallest diameter if not
    given."""

    contrast: Literal["dark", "bright"] = "dark"
    """`--data`: what dense matter is in the tomograms."""

    workers: Annotated[int, arg(metavar="N")] = 1
    """Tomograms that are simulated at a time, each by a process of its own."""

    checkpoint_every: Annotated[float, arg(metavar="SECONDS")] = 30.0
    """Time between two checkpoints; an interrupted run goes on from the last one."""

    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        self._check()
        # Imported here so that `--help` waits for no library.
        from gyrovox import devices
        from gyrovox.execution import stoppable
        from gyrovox.particles.detector import (
            DetectorTraining,
            ParticleDetector,
            calibrated,
            train_detector,
        )

        devices.limit_threads(self.work.threads)
        with self._kept() as folder, stoppable(_STOPPING) as should_stop:
            settings, examples = self._examples(folder)
            learned, held_out = _divided(examples)
            network, record = train_detector(
                settings,
                learned,
                DetectorTraining(steps=self.steps),
                seed=self.seed,
                device=self.work.device,
                quiet=self.work.quiet,
                checkpoint=folder / _CHECKPOINT,
                checkpoint_every_s=self.checkpoint_every,
                facts=self._facts(),
                should_stop=should_stop,
            )
            about = {**self._facts(), "steps": record.steps}
            detector = ParticleDetector(network, about=about)
            threshold, counts = calibrated(detector, held_out, device=self.work.device)
            about |= {"held out": len(held_out), "F1 held out": round(counts.f1, 4)}
            detector = ParticleDetector(network, threshold=threshold, about=about)
            detector.save(self.output)
            self._end(detector, record)
            shutil.rmtree(folder)

    def _check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            SettingsError: If a value is out of its range.
        """
        if self.output.suffix != ".safetensors":
            raise SettingsError(
                f"a detector's name must end in .safetensors, got {self.output.name!r}."
            )
        if self.seed < 0:
            raise SettingsError(f"--seed must not be negative, got {self.seed}.")
        if self.steps < 1:
            raise SettingsError(f"--steps must be at least 1, got {self.steps}.")
        if self.tomograms < 2:
            raise SettingsError(
                f"--tomograms must be at least 2, one to learn from and one to choose the "
                f"threshold by, got {self.tomograms}."
            )
        if self.workers < 1:
            raise SettingsError(f"--workers must be at least 1, got {self.workers}.")
        if self.voxel_size_nm is not None and not 0 < self.voxel_size_nm < math.inf:
            raise SettingsError(f"--voxel-size-nm must be positive, got {self.voxel_size_nm:g}.")
        if not self.checkpoint_every >= 0:
            raise SettingsError(
                f"--checkpoint-every must be 0 or positive, got {self.checkpoint_every:g}."
            )
        if not (self._folder / _CHECKPOINT).exists():
            check_absent([self.output], overwrite=self.work.overwrite)
        if self.output.is_dir():
            raise SettingsError(f"-o must name a detector file, and {self.output} is a folder.")
        check_space(self.output.parent, 64 * 2**20 + self.tomograms * 2**20)

    def _examples(self, folder: Path) -> "tuple[DetectorSettings, list[Example]]":
        """What the detector is, and the tomograms that it learns from."""
        from gyrovox.particles.detector.own_examples import own_examples
        from gyrovox.particles.detector.simulated_examples import (
            simulated_examples,
            simulated_settings,
        )

        if self.data:
            return own_examples(
                self.data,
                self.classes,
                voxel_size_nm=self.voxel_size_nm,
                contrast=self.contrast,
                nan_policy=self.work.nan_policy,
                quiet=self.work.quiet,
            )
        settings = simulated_settings(self.classes, voxel_size_nm=self.voxel_size_nm)
        examples = simulated_examples(
            folder,
            self.tomograms,
            settings,
            seed=self.seed,
            workers=self.workers,
            quiet=self.work.quiet,
        )
        return settings, examples

    def _facts(self) -> dict[str, object]:
        """What the detector learns from, as plain values."""
        source = [str(folder) for folder in self.data] if self.data else "simulated tomograms"
        return {
            "data": source,
            "tomograms": len(self.data) or self.tomograms,
            "seed": self.seed,
        }

    def _end(self, detector: "ParticleDetector", record: "DetectorRecord") -> None:
        """Say what became of it.

        Raises:
            SystemExit: If it was stopped before the last step.
        """
        if record.steps < self.steps:
            complain(
                f"stopped after {record.steps} of {self.steps} steps. {self.output} holds what was "
                f"learned so far; the same command goes on from there."
            )
            raise SystemExit(_INTERRUPTED)
        say(
            f"F1 {detector.about['F1 held out']} on {detector.about['held out']} tomograms that it "
            f"did not learn from, with threshold {detector.threshold:.3f}"
        )
        note(f"the detector is in {self.output}", quiet=self.work.quiet)

    @property
    def _folder(self) -> Path:
        return self.output.with_name(f".{self.output.name}.gyrovox-run")

    @contextlib.contextmanager
    def _kept(self) -> Iterator[Path]:
        """The run's hidden folder beside the output, which no other run may write to.

        It stays while there is something in it to go on from.

        Raises:
            TrainingError: If the loss stopped being a number.
            SystemExit: If the user interrupted it, and there is something to go on from.
        """
        from gyrovox.execution import exclusive

        folder = self._folder
        with made(self.output.parent), exclusive(folder):
            if self.work.overwrite:
                for path in (folder / _CHECKPOINT, *folder.glob("example-*.npz")):
                    path.unlink(missing_ok=True)
            if (folder / _CHECKPOINT).exists():
                note(f"going on from {folder}", quiet=self.work.quiet)
            try:
                yield folder
            except TrainingError:
                shutil.rmtree(folder)  # from there it would go wrong again
                raise
            except BaseException as error:
                if not any(folder.glob("*.npz")) and not (folder / _CHECKPOINT).exists():
                    shutil.rmtree(folder, ignore_errors=True)
                elif isinstance(error, KeyboardInterrupt):
                    complain("interrupted; the same command goes on from what is finished.")
                    raise SystemExit(_INTERRUPTED) from error
                raise


def _divided(examples: "Sequence[Example]") -> "tuple[Sequence[Example], Sequence[Example]]":
    """What to learn from, and what to choose the threshold by; one alone is both."""
    if len(examples) == 1:
        return examples, examples
    count = max(1, len(examples) // _HELD_OUT)
    return examples[:-count], examples[-count:]
