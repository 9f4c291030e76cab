"""`gyrovox tutorial spikes`: from a tilt series to counted and averaged spikes, step by step."""

import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, final

from tyro.conf import arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_folder, made
from gyrovox.cli.terminal import note, say
from gyrovox.errors import SettingsError

_SETTINGS, _TIMES, _PICTURES, _STORY = "tutorial.json", "times.json", "pictures", "story.html"


@final
@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the story: a command, and the file that is there once it has run.

    Args:
        folder: Its folder.
        words: The command, without the program's name.
        leaves: What it leaves behind, in the tutorial's folder.
    """

    folder: str
    words: tuple[str, ...]
    leaves: str


@final
@dataclass(frozen=True, kw_only=True)
class TutorialSpikes(Command):
    """Simulate a tomogram of virions, find their spikes, count and average them.

    Runs seven commands, one after the other, each in a folder of its own, and tells of them in
    story.html: what each one made, as a picture, and how far that is from the truth. The same
    command goes on after an interruption.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write; made if absent."""

    seed: int = 0
    """Seed of the specimen and of all that follows."""

    shape: Annotated[tuple[int, int, int], arg(metavar="Z Y X")] = (128, 256, 256)
    """Voxels of the specimen."""

    voxel_size_nm: Annotated[float, arg(metavar="NM")] = 1.5
    """Side of a voxel, and of a pixel of the images."""

    virions: Annotated[int, arg(metavar="N")] = 4
    """Virions in the specimen."""

    denoising_steps: Annotated[int, arg(metavar="N")] = 200
    """Updates of the network that denoises."""

    training_steps: Annotated[int, arg(metavar="N")] = 400
    """Updates of the network that learns what virions look like."""

    quiet: bool = False
    """Show no progress."""

    overwrite: bool = False
    """Replace what an earlier tutorial left in the folder."""

    def run(self) -> None:
        if self.seed < 0:
            raise SettingsError(f"--seed must not be negative, got {self.seed}.")
        # Imported here so that `--help` waits for no library, and program may import this module.
        from gyrovox.cli.program import command_of
        from gyrovox.progress import stopwatch
        from gyrovox.report.spike_story import write_spike_story

        steps = self.steps()
        with made(self.output.absolute().parent):
            self._begin([step.folder for step in steps])
        times = self._times()
        for number, step in enumerate(steps, start=1):
            if (self.output / step.leaves).exists():
                continue
            note(f"\n{number}/{len(steps)}  {_shown(step.words)}", quiet=self.quiet)
            with stopwatch(times, step.folder):
                command_of([*step.words, *(["--quiet"] if self.quiet else [])]).run()
            (self.output / _TIMES).write_text(json.dumps(times, indent=2) + "\n", encoding="utf-8")
        commands = {step.folder: _shown(step.words) for step in steps}
        story = write_spike_story(self.output, commands, times)
        note("\nthe story, which any browser opens:", quiet=self.quiet)
        say(str(story))
        note("to look through the segmentation of the virions:", quiet=self.quiet)
        say(f"gyrovox view {shlex.quote(str(self.output / '6-spikes' / 'virions'))}")

    def steps(self) -> tuple[Step, ...]:
        """All steps, in their order."""
        from gyrovox.report.spike_story import (
            ALIGNMENT,
            AVERAGE,
            DENOISED,
            EVEN,
            ODD,
            SERIES,
            SPIKES,
            TOMOGRAM,
            TRUTH,
            VIRIONS,
        )

        at = {
            name: str(self.output / name)
            for name in (SERIES, ALIGNMENT, TOMOGRAM, EVEN, ODD, DENOISED, VIRIONS, SPIKES, AVERAGE)
        }
        seed = ("--seed", str(self.seed))
        size = ("--voxel-size-nm", f"{self.voxel_size_nm:g}")
        thickness = f"{self.shape[0] * self.voxel_size_nm:g}"
        simulated = ("phantom", "tomogram", "-o", self._folder(TRUTH), *seed, *size)
        asked = ("--shape", *map(str, self.shape), "--virions", str(self.virions))
        tomogram = ("reconstruct", at[SERIES], "-o", at[TOMOGRAM], "--thickness", thickness)
        corrected = ("--erase-gold", "--ctf", "phase-flip", "--halves")
        every = {
            TRUTH: (*simulated, *asked),
            ALIGNMENT: ("align", at[SERIES], "-o", self._folder(ALIGNMENT)),
            # The half that is written last: a step is finished when all of its files are there.
            ODD: (*tomogram, "--alignment", at[ALIGNMENT], *corrected),
            DENOISED: (
                *("denoise", at[TOMOGRAM], "-o", at[DENOISED], "--halves", at[EVEN], at[ODD]),
                *("--n2n.steps", str(self.denoising_steps), *seed),
            ),
            VIRIONS: ("pick", at[TOMOGRAM], "-o", at[VIRIONS]),
            SPIKES: (
                *("spikes", at[TOMOGRAM], "--particles", at[VIRIONS]),
                *("-o", self._folder(SPIKES), *seed),
                *("--training.steps", str(self.training_steps)),
            ),
            AVERAGE: (
                *("average", at[TOMOGRAM], "--particles", at[SPIKES]),
                *("-o", self._folder(AVERAGE), "--symmetry", "C3"),
            ),
        }
        return tuple(
            Step(folder=leaves.split("/", maxsplit=1)[0], words=words, leaves=leaves)
            for leaves, words in every.items()
        )

    def _folder(self, file: str) -> str:
        return str(self.output / file.split("/", maxsplit=1)[0])

    def _begin(self, folders: Sequence[str]) -> None:
        """See to it that the folder is that of this tutorial, or empty.

        Raises:
            SettingsError: If an earlier tutorial had other settings.
            OutputExistsError: If something else is in the folder.
        """
        asked = {**asdict(self), "gyrovox": version("gyrovox")}
        kept = {name: asked[name] for name in asked if name not in {"output", "quiet", "overwrite"}}
        text = json.dumps(kept, indent=2) + "\n"
        file = self.output / _SETTINGS
        if self.output.exists() and any(self.output.iterdir()):
            names = (_SETTINGS, _TIMES, _PICTURES, _STORY, *folders, ".*.gyrovox-run")
            is_known = file.is_file()
            check_folder(self.output, names, overwrite=is_known or self.overwrite)
            if is_known and file.read_text(encoding="utf-8") == text and not self.overwrite:
                return
            if not self.overwrite:
                raise SettingsError(
                    f"{self.output} must hold a tutorial with the same settings to go on with, and "
                    f"holds one with {file.read_text(encoding='utf-8').strip()}. Choose another "
                    f"-o, or pass --overwrite to begin anew."
                )
            shutil.rmtree(self.output)
        self.output.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def _times(self) -> dict[str, float]:
        """Seconds of the steps that ran before."""
        file = self.output / _TIMES
        if not file.is_file():
            return {}
        return {str(key): float(one) for key, one in json.loads(file.read_text("utf-8")).items()}


def _shown(words: Sequence[str]) -> str:
    return f"gyrovox {shlex.join(words)}"
