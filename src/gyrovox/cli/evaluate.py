"""`gyrovox evaluate`: labels beside their truth."""

import json
from dataclasses import dataclass
from typing import Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.terminal import say
from gyrovox.errors import VolumeError


@final
@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Compare labels with a truth: Dice and IoU per class, ARI, VI.

    Labels are matched to the classes of the truth one to one (Hungarian), whatever their numbers.
    ARI is the adjusted Rand index, VI the variation of information.
    """

    labels: Annotated[str, Positional, arg(metavar="LABELS")]
    """Label volume, such as the `level-4` file that `gyrovox segment` writes."""

    truth: Annotated[str, Positional, arg(metavar="TRUTH")]
    """Label volume of the same shape that is taken for true."""

    ignore: Annotated[tuple[int, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes of the truth to leave out, such as one for "not annotated"."""

    json: bool = False
    """Print JSON instead of a table."""

    def run(self) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox import io
        from gyrovox.evaluation import evaluate

        volumes = [io.read(self.labels), io.read(self.truth)]
        for volume in volumes:
            if volume.channels != 1:
                raise VolumeError(
                    f"{volume.name}: a label volume must have one channel, got {volume.channels}."
                )
        labels, truth = (volume.read()[0] for volume in volumes)
        evaluation = evaluate(labels, truth, ignore=self.ignore)
        if self.json:
            say(json.dumps(evaluation.to_dict(), indent=2))
            return
        from rich.console import Console

        from gyrovox.report import evaluation_table

        Console(soft_wrap=True, highlight=False).print(evaluation_table(evaluation))
