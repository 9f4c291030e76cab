"""What a command is, and the options that several commands share."""

import abc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from gyrovox.errors import SettingsError
from gyrovox.settings import (
    CATALOGUE,
    Configuration,
    ConfigurationName,
    ModelSettings,
    SegmentationSettings,
    TrainingSettings,
)

if TYPE_CHECKING:
    from gyrovox.segmentation import Cleaning

LatentType = Literal["float32", "float16", "int8"]
"""Types that codes are stored as."""

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
class WorkerOptions:
    """Who shares the work on a large volume."""

    workers: Annotated[int, arg(metavar="N")] = 1
    """Tiles that are worked on at a time, each by a process of its own."""

    scheduler: Annotated[str | None, arg(metavar="{slurm,tcp://HOST:PORT}")] = None
    """Give the tiles to SLURM jobs, or to the workers of a dask scheduler."""

    def check(self) -> None:
        """Refuse what nobody can share, before any work.

        Raises:
            SettingsError: If there are no workers.
        """
        if self.workers < 1:
            raise SettingsError(f"--workers must be at least 1, got {self.workers}.")

    def threads_each(self, threads: int | None) -> int | None:
        """Threads of each worker, where all of them together may have so many."""
        return None if threads is None else max(1, threads // self.workers)


@dataclass(frozen=True, kw_only=True)
class LatentOptions:
    """Whether the codes that labels are made of are kept."""

    keep_latents: bool = False
    """Leave the code of every voxel too, as latents.ome.zarr."""

    latent_dtype: LatentType = "float32"
    """Type that these codes are stored as. What the smaller ones cost is said at the end."""

    def check(self) -> None:
        """Refuse a type for what is not kept.

        Raises:
            SettingsError: If there is one.
        """
        if self.latent_dtype != "float32" and not self.keep_latents:
            raise SettingsError(
                f"--latent-dtype is the type of codes that are kept: pass --keep-latents too, or "
                f"leave --latent-dtype {self.latent_dtype} away."
            )


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
    # Without a prefix: -m takes these too, and they say all by themselves what they are about.
    segmentation: Annotated[SegmentationSettings, arg(name="")] = field(
        default_factory=lambda: CATALOGUE["default"].segmentation
    )

    @property
    def settings(self) -> Configuration:
        """All settings together, as they are saved with a model."""
        return Configuration(
            model=self.model, training=self.training, segmentation=self.segmentation
        )


@dataclass(frozen=True, kw_only=True)
class CleaningOptions:
    """What becomes of specks and holes; nothing, if nothing is given.

    The finest level is cleaned, and the coarser ones follow it; without a tree, every level by
    itself.
    """

    smallest: Annotated[float, arg(metavar="NM3")] = 0.0
    """Pieces of a class that are smaller go to the class around them; in nm³, or in voxels where
    the voxel size is unknown."""

    fill_holes: Annotated[float, arg(metavar="NM3")] = 0.0
    """Holes that are no larger go to the class that encloses them; in nm³, or in voxels where the
    voxel size is unknown."""

    largest_component: bool = False
    """Keep only the largest piece of every class; the others go to the classes around them."""

    @property
    def settings(self) -> "Cleaning":
        """The same for Python.

        Raises:
            SettingsError: If a size is negative or not finite.
        """
        # Imported here: it loads torch.
        from gyrovox.segmentation import Cleaning

        return Cleaning(
            smallest_nm3=self.smallest,
            fill_holes_nm3=self.fill_holes,
            largest_component=self.largest_component,
        )
