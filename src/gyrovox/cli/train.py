"""`gyrovox train`: a model for many volumes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command, LearningOptions, WorkOptions
from gyrovox.cli.inputs import check_voxels, open_volumes
from gyrovox.cli.outputs import check_absent, check_space, publish, staging
from gyrovox.cli.results import new_segmenter
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError


@final
@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on volumes, without labels."""

    volumes: Annotated[
        tuple[str, ...], Positional, arg(metavar="VOLUME...", help_behavior_hint="(required)")
    ]
    """Volumes to learn from: one file each, or the channels of one joined by commas."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="MODEL.safetensors")]
    """Model file to write."""

    learning: Annotated[LearningOptions, arg(name="")] = field(default_factory=LearningOptions)
    work: Annotated[WorkOptions, arg(name="")] = field(default_factory=WorkOptions)

    def run(self) -> None:
        if self.output.suffix != ".safetensors":
            raise SettingsError(
                f"a model file's name must end in .safetensors, got {self.output.name!r}."
            )
        check_absent([self.output], overwrite=self.work.overwrite)
        if self.output.is_dir():
            raise SettingsError(f"-o must name a model file, and {self.output} is a folder.")
        check_space(self.output.parent, 64 * 2**20)
        volumes = open_volumes(self.volumes)
        check_voxels(volumes, nan_policy=self.work.nan_policy)
        segmenter = new_segmenter(self.learning, self.work)
        for volume in volumes:
            segmenter.check(volume)
        with staging(self.output.parent) as hidden:
            segmenter.fit(volumes)
            segmenter.save(hidden / self.output.name)
            publish(hidden / self.output.name, self.output)
        note(f"the model is in {self.output}", quiet=self.work.quiet)
