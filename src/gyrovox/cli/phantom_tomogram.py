"""`gyrovox phantom tomogram`: tilt series whose specimen is known."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

from tyro.conf import arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, check_space, publish, staging
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError
from gyrovox.progress import track
from gyrovox.settings.simulation import ImagingRecipe, SpecimenRecipe

if TYPE_CHECKING:
    import numpy as np

    from gyrovox.tomography.simulation import Specimen
    from gyrovox.volumes import Volume

_LEVELS = (1, 2, 3)
_BYTES_PER_VOXEL = 4 + 1 + 1 + 2 + 4  # density, truths, tomogram


@final
@dataclass(frozen=True, kw_only=True)
class PhantomTomogram(Command):
    """Simulate tilt series of virions, with all that is true of them.

    Writes tilt-series-NNN.mrc with .rawtlt and .mdoc, true-alignment-NNN.xf and .tlt,
    density-NNN.mrc, truth-NNN-level-{1,2,3}.mrc, and particles-NNN.star and .csv.
    """

    output: Annotated[Path, arg(aliases=["-o"], metavar="DIR")]
    """Folder to write into; made if absent."""

    seed: int = 0
    """Seed of the first specimen; number NNN is drawn from seed + NNN."""

    count: int = 1
    """Number of specimens."""

    reconstruct: bool = False
    """Write tomogram-NNN.mrc too, by weighted back-projection with the true alignment."""

    specimen: Annotated[SpecimenRecipe, arg(name="")] = field(default_factory=SpecimenRecipe)
    imaging: Annotated[ImagingRecipe, arg(name="")] = field(default_factory=ImagingRecipe)

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
        names = [name for number in numbers for name in self._names(number)]
        check_absent((self.output / name for name in names), overwrite=self.overwrite)
        first, last = self.imaging.tilt_range_degrees
        images = (last - first) / self.imaging.tilt_step_degrees + 1
        pixels = math.prod(self.specimen.shape[1:]) * images
        voxels = math.prod(self.specimen.shape)
        check_space(self.output, self.count * int(4 * pixels + _BYTES_PER_VOXEL * voxels))
        with staging(self.output) as hidden:
            for index in track(
                range(self.count), "phantoms", self.count, quiet=self.quiet, unit="tilt series"
            ):
                self._write(hidden, index)
            for name in names:
                publish(hidden / name, self.output / name)
        note(f"{self.count} tilt series with their truth are in {self.output}", quiet=self.quiet)

    def _write(self, folder: Path, index: int) -> None:
        # Imported here so that `--help` waits for no library.
        from dataclasses import replace

        from gyrovox.io.particle_files import write_particles
        from gyrovox.tomography.simulation import make_specimen, make_tilt_series
        from gyrovox.tomography.tilt_series_files import write_alignment, write_tilt_series

        number, seed = f"{index:03d}", self.seed + index
        specimen = make_specimen(seed, self.specimen)
        series, true = make_tilt_series(seed, specimen, self.imaging)
        shape = (series.images.shape[1], series.images.shape[2])
        write_tilt_series(replace(series, name=f"tilt-series-{number}"), folder)
        write_alignment(true, folder / f"true-alignment-{number}.xf", shape)
        particles = replace(specimen.particles, tomogram=f"tomogram-{number}")
        write_particles(particles, folder / f"particles-{number}.star", optics=self.imaging.optics)
        write_particles(particles, folder / f"particles-{number}.csv")
        self._write_volumes(folder, number, specimen)
        if self.reconstruct:
            from gyrovox.tomography.simulation.simulated_tomogram import reconstructed

            _write_volume(
                reconstructed(series, true, specimen),
                folder / f"tomogram-{number}.mrc",
                self.specimen.voxel_size_nm,
            )

    def _write_volumes(self, folder: Path, number: str, specimen: "Specimen") -> None:
        from gyrovox import io

        size = specimen.voxel_size_nm
        density = _write_volume(specimen.density, folder / f"density-{number}.mrc", size)
        for level, truth in zip(_LEVELS, specimen.truths, strict=True):
            io.write_labels(truth, folder / f"truth-{number}-level-{level}.mrc", like=density)

    def _names(self, number: str) -> list[str]:
        """The files of one specimen."""
        stack, alignment = f"tilt-series-{number}", f"true-alignment-{number}"
        return [
            f"{stack}.mrc",
            f"{stack}.rawtlt",
            f"{stack}.mrc.mdoc",
            f"{alignment}.xf",
            f"{alignment}.tlt",
            f"density-{number}.mrc",
            *(f"truth-{number}-level-{level}.mrc" for level in _LEVELS),
            f"particles-{number}.star",
            f"particles-{number}.csv",
            *([f"tomogram-{number}.mrc"] if self.reconstruct else []),
        ]


def _write_volume(voxels: "np.ndarray", path: Path, voxel_size_nm: float) -> "Volume":
    """Write voxels (z, y, x); the volume that was written."""
    from gyrovox import io
    from gyrovox.volumes import InMemory, Volume, axis_aligned

    size = (voxel_size_nm, voxel_size_nm, voxel_size_nm)
    volume = Volume(
        source=InMemory(voxels[None]),
        voxel_size_nm=size,
        affine=axis_aligned(size),
        name=path.name,
    )
    io.write(volume, path)
    return volume
