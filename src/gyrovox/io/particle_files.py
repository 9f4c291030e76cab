"""Files of particles: which dialect a path means, and the one way in and out."""

import os
from pathlib import Path
from typing import Literal, get_args

from gyrovox.errors import FileFormatError, SettingsError
from gyrovox.io.dynamo_table import read_dynamo, write_dynamo
from gyrovox.io.imod_model import read_imod, write_imod
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.particle_csv import read_particle_csv, write_particle_csv
from gyrovox.io.relion_star import read_relion, write_relion
from gyrovox.io.star import StarTable
from gyrovox.settings.simulation import Optics
from gyrovox.volumes.particle_table import ParticleTable

ParticleDialect = Literal["relion4", "relion5", "dynamo", "imod", "csv"]
"""Programs whose conventions files of particles follow."""

SUFFIXES: dict[str, ParticleDialect] = {
    ".star": "relion5",
    ".tbl": "dynamo",
    ".mod": "imod",
    ".csv": "csv",
}
"""What each ending is written as, where nothing else is asked for."""


def write_particles(
    table: ParticleTable,
    path: str | os.PathLike[str],
    *,
    dialect: ParticleDialect | None = None,
    binning: float = 1.0,
    optics: Optics | None = None,
    tilt_range: tuple[float, float] | None = None,
    more_columns: StarTable | None = None,
    overwrite: bool = False,
) -> Path:
    """Write particles as a program reads them.

    Args:
        table: The particles.
        path: The file to be: .star, .tbl, .mod or .csv.
        dialect: The program; by the ending if None, and then RELION 5 for .star.
        binning: Pixels of the tilt series along a voxel of the tomogram; RELION is told.
        optics: The microscope; RELION is told.
        tilt_range: Smallest and largest tilt in degrees; Dynamo is told.
        more_columns: What else RELION is told of each particle, such as ``rlnRandomSubset``.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        FileFormatError: If the ending is none of those, or another dialect's.
        SettingsError: If the binning is not positive, or a name is no word where it must be one.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    target = Path(path)
    chosen = dialect or particle_dialect(target)
    suffix = next(ending for ending, name in SUFFIXES.items() if name[:4] == chosen[:4])
    if target.suffix.lower() != suffix:
        raise FileFormatError(
            f"{target}: the name of a file of {chosen} particles must end in {suffix}. Rename it"
        )
    if not binning > 0:
        raise SettingsError(f"binning must be above 0, got {binning}.")
    match chosen:
        case "relion4" | "relion5":
            return write_relion(
                table,
                target,
                version=4 if chosen == "relion4" else 5,
                binning=binning,
                optics=optics,
                more_columns=more_columns,
                overwrite=overwrite,
            )
        case "dynamo":
            return write_dynamo(table, target, tilt_range=tilt_range, overwrite=overwrite)
        case "imod":
            return write_imod(table, target, overwrite=overwrite)
        case "csv":
            return write_particle_csv(table, target, overwrite=overwrite)


def read_particles(
    path: str | os.PathLike[str],
    *,
    voxel_size_nm: float | None = None,
    shape: tuple[int, int, int] | None = None,
    tomogram: str | None = None,
) -> ParticleTable:
    """Read the particles of one tomogram.

    Files that gyrovox wrote say all that is needed, but for a table of Dynamo, which does not say
    the shape.

    Args:
        path: The file: .star (RELION 4 or 5), .tbl (Dynamo), .mod (IMOD) or .csv.
        voxel_size_nm: Side of a voxel of the tomogram, where the file does not say it. RELION's
            coordinates are counted in these voxels, whatever they were picked in.
        shape: Voxels (z, y, x) of the tomogram, where the file does not say it.
        tomogram: Which one's particles to take from a file of several.

    Returns:
        The particles.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If its ending is unknown, or its content is not what that says.
        ParticleError: If the tomogram's voxels are not known, or there are several tomograms.
    """
    source = Path(path)
    known = KnownTomogram(voxel_size_nm=voxel_size_nm, shape=shape, name=tomogram)
    match particle_dialect(source):
        case "relion4" | "relion5":
            return read_relion(source, known)
        case "dynamo":
            return read_dynamo(source, known)
        case "imod":
            return read_imod(source, known)
        case "csv":
            return read_particle_csv(source, known)


def particle_dialect(path: Path) -> ParticleDialect:
    """What the ending of a name says.

    Args:
        path: A path, which need not exist.

    Returns:
        The dialect; RELION 5 for .star.

    Raises:
        FileFormatError: If the ending is unknown.
    """
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise FileFormatError(
            f"{path}: the name of a file of particles must end in one of {', '.join(SUFFIXES)}, "
            f"and {path.suffix or 'no suffix'} came. Rename it"
        )
    return found


DIALECTS: tuple[ParticleDialect, ...] = get_args(ParticleDialect)
"""All dialects."""
