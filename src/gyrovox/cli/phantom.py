"""`gyrovox phantom cell`: volumes whose segmentation is known."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, final

from tyro.conf import arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, check_space, publish, staging
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError
from gyrovox.progress import track

_LEVELS = (1, 2, 3)


@final
@dataclass(frozen=True, kw_only=True)
class PhantomCell(Command):
    """Make synthetic cells whose segmentation is known at three levels.

    Writes volume-NNN.mrc and truth-NNN-level-{1,2,3}.mrc with 2, 4 and 8 classes.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write into; made if absent."""

    seed: int = 0
    """Seed of the first volume; volume NNN is drawn from seed + NNN."""

    count: int = 1
    """Number of volumes."""

    shape: Annotated[tuple[int, int, int], arg(metavar="Z Y X")] = (50, 50, 50)
    """Voxels of a volume."""

    variant: Literal["regular", "irregular", "texture"] = "regular"
    """Smooth surfaces, warped ones, or objects that only their texture tells apart."""

    voxel_size_nm: Annotated[tuple[float, float, float] | None, arg(metavar="Z Y X")] = None
    """Voxel size; shapes stay true where it is anisotropic."""

    quiet: bool = False
    """Show no progress."""

    overwrite: bool = False
    """Replace files that exist."""

    def run(self) -> None:
        if not 1 <= self.count <= 999:
            raise SettingsError(f"--count must be between 1 and 999, got {self.count}.")
        if self.seed < 0:
            raise SettingsError(f"--seed must not be negative, got {self.seed}.")
        numbers = [f"{number:03d}" for number in range(self.count)]
        names = [name for number in numbers for name in _names(number)]
        check_absent((self.output / name for name in names), overwrite=self.overwrite)
        voxels = math.prod(self.shape)
        check_space(self.output, self.count * voxels * (4 + len(_LEVELS)))
        with staging(self.output) as hidden:
            for index in track(
                range(self.count), "phantoms", self.count, quiet=self.quiet, unit="volumes"
            ):
                self._write(hidden, index)
            for name in names:
                publish(hidden / name, self.output / name)
        note(f"{self.count} phantoms with their truth are in {self.output}", quiet=self.quiet)

    def _write(self, folder: Path, index: int) -> None:
        # Imported here so that `--help` waits for no library.
        from gyrovox import io
        from gyrovox.volumes import Volume
        from gyrovox.volumes.phantom_cell import cell_phantom

        phantom = cell_phantom(
            self.seed + index,
            shape=self.shape,
            variant=self.variant,
            voxel_size_nm=self.voxel_size_nm,
        )
        name, *truths = _names(f"{index:03d}")
        volume = Volume.from_array(phantom.image, voxel_size_nm=self.voxel_size_nm, name=name)
        io.write(volume, folder / name)
        for truth, classes in zip(truths, phantom.truths, strict=True):
            io.write_labels(classes, folder / truth, like=volume)


def _names(number: str) -> list[str]:
    """The files of one phantom: the volume, then its truths."""
    return [f"volume-{number}.mrc", *(f"truth-{number}-level-{level}.mrc" for level in _LEVELS)]
