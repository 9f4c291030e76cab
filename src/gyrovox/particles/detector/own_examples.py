"""Examples for a detector from tomograms whose particles somebody has marked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gyrovox import io
from gyrovox.errors import FileFormatError, MissingFileError, ParticleError
from gyrovox.io.particle_files import SUFFIXES, read_particles
from gyrovox.particles.detector.examples import Example, example_of, of_classes
from gyrovox.particles.detector.settings import DetectorSettings
from gyrovox.particles.picking.tomogram_grid import Contrast, cubic_voxel_size_nm
from gyrovox.progress import track
from gyrovox.volumes import NanPolicy, ParticleTable, Volume

_TOMOGRAM, _PARTICLES = "tomogram", "particles"
_MARGIN = 1.05  # sizes within so much of each other are one size, which anchors surround


def own_examples(
    folders: Sequence[Path],
    classes: tuple[str, ...],
    *,
    voxel_size_nm: float | None = None,
    contrast: Contrast = "dark",
    nan_policy: NanPolicy = "error",
    quiet: bool = False,
) -> tuple[DetectorSettings, list[Example]]:
    """A detector for the particles in some folders, and what it learns from.

    Args:
        folders: Each with one tomogram or more, whose names begin with ``tomogram``, and the
            particles of each: ``particles-7.star`` for ``tomogram-7.mrc``.
        classes: What the detector tells apart.
        voxel_size_nm: Side of the voxels that it reads; a twentieth of the smallest diameter if
            None.
        contrast: Whether dense matter is dark in the tomograms or bright.
        nan_policy: What to do with NaN and infinite voxels.
        quiet: Show no progress.

    Returns:
        Its settings, and the examples in the order of the folders.

    Raises:
        MissingFileError: If a folder has no tomogram, or a tomogram no particles.
        ParticleError: If particles have no diameters, or there are none of the classes.
        SettingsError: If their sizes differ too much.
        VolumeError: If a tomogram cannot be worked with.
    """
    pairs = [pair for folder in folders for pair in pairs_in(folder)]
    opened = [_opened(tomogram, particles) for tomogram, particles in pairs]
    sizes: list[float] = []
    for volume, table in opened:
        if table.diameters_nm is None:
            raise ParticleError(
                f"{volume.name}: particles to learn from must have diameters, and these have none. "
                f"Add them: a column rlnGyrovoxDiameter in nm, or diameter_nm in .csv."
            )
        found = of_classes(table, classes).diameters_nm
        sizes += [] if found is None else found.tolist()
    if not sizes:
        there = sorted({name for _, table in opened for name in table.classes or ()})
        raise ParticleError(
            f"there must be particles of {', '.join(classes)} to learn from, and the tables hold "
            f"only {', '.join(there) or 'nothing'}. Name others with --classes."
        )
    smallest, largest = np.percentile(sizes, [2.0, 98.0])
    settings = DetectorSettings.for_diameters(
        [float(smallest) / _MARGIN, float(largest) * _MARGIN],
        classes=classes,
        voxel_size_nm=voxel_size_nm,
    )
    examples = [
        example_of(volume, table, settings, contrast=contrast, nan_policy=nan_policy)
        for volume, table in track(opened, "read", len(opened), quiet=quiet, unit="tomograms")
    ]
    return settings, examples


def pairs_in(folder: Path) -> list[tuple[Path, Path]]:
    """The tomograms of a folder, each with its particles.

    Args:
        folder: A folder.

    Returns:
        Paths of a tomogram and of its particles, in the order of their names.

    Raises:
        MissingFileError: If there is no tomogram, or one without particles.
    """
    tomograms = [path for path in sorted(folder.glob(f"{_TOMOGRAM}*")) if _is_volume(path)]
    if not tomograms:
        raise MissingFileError(
            f"{folder}: a folder to learn from must hold a tomogram whose name begins with "
            f"{_TOMOGRAM!r}, such as tomogram.mrc, and there is none. Rename it, or name another "
            f"folder with --data."
        )
    return [(path, _particles_of(path)) for path in tomograms]


def _particles_of(tomogram: Path) -> Path:
    stem = io.stem(tomogram).replace(_TOMOGRAM, _PARTICLES, 1)
    for suffix in SUFFIXES:
        path = tomogram.with_name(f"{stem}{suffix}")
        if path.exists():
            return path
    raise MissingFileError(
        f"{tomogram}: beside a tomogram to learn from must lie its particles, {stem}.star or "
        f"another of {', '.join(SUFFIXES)}, and none does."
    )


def _is_volume(path: Path) -> bool:
    from gyrovox.io.formats import format_and_suffix

    try:
        format_and_suffix(path)
    except FileFormatError:
        return False
    return True


def _opened(tomogram: Path, particles: Path) -> tuple[Volume, ParticleTable]:
    volume = io.read(tomogram)
    table = read_particles(
        particles, voxel_size_nm=cubic_voxel_size_nm(volume), shape=volume.spatial_shape
    )
    return volume, table
