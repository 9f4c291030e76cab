"""What a command is, and the options that several commands share."""

import abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from gyrovox.settings import (
    CATALOGUE,
    Configuration,
    ConfigurationName,
    ModelSettings,
    SegmentationSettings,
    TrainingSettings,
)

VOLUME = "VOLUME"
"""How a volume is called in usage lines."""


class Command(abc.ABC):
    """One command: a frozen dataclass; its fields are the options, its docstrings the help."""

    @abc.abstractmethod
    def run(self) -> None:
        """Do it.

        Raises:
            GyrovoxError: If an input, a setting or the output is not what it must be.
        """


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """How the work is done."""

    device: Annotated[str, arg(metavar="{auto,cpu,cuda,cuda:N}")] = "auto"
    """Where to compute. `auto` takes a CUDA GPU where there is one."""

    threads: Annotated[int | None, arg(metavar="N")] = None
    """CPU threads to compute on at most; torch decides if not given."""

    quiet: bool = False
    """Show no progress."""

    overwrite: bool = False
    """Replace outputs that exist."""

    nan_policy: Literal["error", "zero", "mean"] = "error"
    """NaN and infinite voxels: refuse the volume, or put 0 or the mean of the rest there."""


@dataclass(frozen=True, kw_only=True)
class LearningOptions:
    """What is learned, and from which seed."""

    configuration: ConfigurationName = "default"
    """Named settings to start from."""

    config: Annotated[Path | None, arg(metavar="FILE.yaml")] = None
    """Settings that differ from them, as YAML: the same names, under `model:`, `training:` and
    `segmentation:`."""

    seed: int = 0
    """Seed of everything random."""

    model: ModelSettings = field(default_factory=lambda: CATALOGUE["default"].model)
    training: TrainingSettings = field(default_factory=lambda: CATALOGUE["default"].training)
    segmentation: SegmentationSettings = field(
        default_factory=lambda: CATALOGUE["default"].segmentation
    )

    @property
    def settings(self) -> Configuration:
        """All settings together, as they are saved with a model."""
        return Configuration(
            model=self.model, training=self.training, segmentation=self.segmentation
        )
