"""`gyrovox convert-particles`: from one program's file of particles to another's."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, final

from tyro.conf import Positional, arg

from gyrovox.cli.command import Command
from gyrovox.cli.outputs import check_absent, check_inputs_stay, made
from gyrovox.cli.terminal import note
from gyrovox.errors import SettingsError


@final
@dataclass(frozen=True, kw_only=True)
class ConvertParticles(Command):
    """Turn a table of particles into that of another program.

    Files that gyrovox wrote say what tomogram they are of, but for Dynamo's; for others, --like or
    --shape and --voxel-size-nm say it.
    """

    particles: Annotated[Path, Positional, arg(metavar="PARTICLES")]
    """Particles to read: .star (RELION 4 or 5), .tbl (Dynamo), .mod (IMOD) or .csv."""

    output: Annotated[Path, arg(aliases=["-o"], metavar="FILE")]
    """Particles to write: .star, .tbl, .mod or .csv."""

    to: Literal["relion4", "relion5", "dynamo", "imod", "csv"] | None = None
    """Program to write for; by default what the suffix says, and RELION 5 for .star."""

    like: Annotated[str | None, arg(metavar="TOMOGRAM")] = None
    """The tomogram that the particles are of. RELION's are then counted in its voxels."""

    shape: Annotated[tuple[int, int, int] | None, arg(metavar="Z Y X")] = None
    """Voxels of that tomogram, if there is no file of it."""

    voxel_size_nm: Annotated[float | None, arg(metavar="NM")] = None
    """Side of its voxels, if no file says it."""

    tomogram_name: Annotated[str | None, arg(metavar="NAME")] = None
    """Which tomogram's particles to take from a file of several."""

    binning: float = 1.0
    """Pixels of the tilt series along a voxel of the tomogram; RELION is told."""

    tilt_range: Annotated[tuple[float, float] | None, arg(metavar="FIRST LAST")] = None
    """First and last tilt in degrees; Dynamo is told."""

    quiet: bool = False
    """Say nothing but errors."""

    overwrite: bool = False
    """Replace a file that exists."""

    def run(self) -> None:
        if self.like is not None and self.shape is not None:
            raise SettingsError("--like says the shape already: leave --shape away.")
        check_absent([self.output], overwrite=self.overwrite)
        check_inputs_stay([self.particles], [self.output])
        # Imported here so that `--help` waits for no library.
        from gyrovox.io.particle_files import read_particles, write_particles

        shape, voxel_size_nm = self._tomogram()
        table = read_particles(
            self.particles,
            voxel_size_nm=voxel_size_nm,
            shape=shape,
            tomogram=self.tomogram_name,
        )
        with made(self.output.parent):
            write_particles(
                table,
                self.output,
                dialect=self.to,
                binning=self.binning,
                tilt_range=self.tilt_range,
                overwrite=self.overwrite,
            )
        note(f"{len(table)} particles are in {self.output}", quiet=self.quiet)

    def _tomogram(self) -> tuple[tuple[int, int, int] | None, float | None]:
        """Shape and voxel size of the tomogram, as far as the user says them.

        Raises:
            SettingsError: If the tomogram's voxels are no cubes.
        """
        if self.like is None:
            return self.shape, self.voxel_size_nm
        from gyrovox import io

        volume = io.read(self.like)
        sizes = volume.voxel_size_nm
        if self.voxel_size_nm is not None or sizes is None:
            return volume.spatial_shape, self.voxel_size_nm
        if max(sizes) > 1.001 * min(sizes):
            raise SettingsError(
                f"the voxels of the tomogram {self.like} must be cubes, and are {sizes} nm "
                f"(z, y, x). Pass --voxel-size-nm."
            )
        return volume.spatial_shape, float(sizes[0])
