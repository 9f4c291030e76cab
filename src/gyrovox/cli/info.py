"""`gyrovox info`: what gyrovox understands of a file."""

from dataclasses import dataclass
from typing import Annotated, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command


@final
@dataclass(frozen=True, kw_only=True)
class Info(Command):
    """Show shape, type, voxel size, axes, value range and the memory needed."""

    files: Annotated[
        tuple[str, ...], Positional, arg(metavar="FILE...", help_behavior_hint="(required)")
    ]
    """Volumes: one file each, or the channels of one joined by commas."""

    def run(self) -> None:
        pass
