"""`gyrovox phantom cell`: volumes whose segmentation is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, final

from tyro.conf import arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, check_space, publish, staging
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError
from gyrovox.progress import track

if TYPE_CHECKING:
    from gyrovox.volumes import ArraySource

_LEVELS = (1, 2, 3)


@final
@dataclass(frozen=True, kw_only=True)
class PhantomCell(Command):
    """Make synthetic cells whose segmentation is known at three levels.

    Writes volume-NNN.mrc and truth-NNN-level-{1,2,3}.mrc with 2, 4 and 8 classes. Volumes of more
    than ten million voxels are made slab by slab, from noise that repeats every 144 voxels.
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

    suffix: Literal[".mrc", ".ome.zarr", ".nii.gz", ".h5", ".tif"] = ".mrc"
    """Format of the files."""

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
        names = [name for number in numbers for name in _names(number, self.suffix)]
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
        from gyrovox.volumes import Volume, axis_aligned

        image, truths = self._made(self.seed + index)
        name, *names = _names(f"{index:03d}", self.suffix)
        size = self.voxel_size_nm
        voxels = Volume(source=image, voxel_size_nm=size, affine=axis_aligned(size), name=name)
        io.write(voxels, folder / name)
        for truth, classes in zip(names, truths, strict=True):
            io.write_label_source(classes, folder / truth, like=voxels)

    def _made(self, seed: int) -> "tuple[ArraySource, Sequence[ArraySource]]":
        """The image and its truth at three levels."""
        from gyrovox.volumes import InMemory
        from gyrovox.volumes.large_cell import LARGE, large_cell
        from gyrovox.volumes.phantom_cell import cell_phantom

        shape, variant, size = self.shape, self.variant, self.voxel_size_nm
        if math.prod(shape) > LARGE:
            return large_cell(seed, shape=shape, variant=variant, voxel_size_nm=size)
        phantom = cell_phantom(seed, shape=shape, variant=variant, voxel_size_nm=size)
        return InMemory(phantom.image[None]), [InMemory(truth[None]) for truth in phantom.truths]


def _names(number: str, suffix: str) -> list[str]:
    """The files of one phantom: the volume, then its truths."""
    truths = [f"truth-{number}-level-{level}{suffix}" for level in _LEVELS]
    return [f"volume-{number}{suffix}", *truths]
