"""Particles as RELION 4 and RELION 5 read them.

RELION 4 counts ``rlnCoordinateX, Y, Z`` in pixels of the unbinned tilt series, 0 at the centre of
the tomogram's first voxel. RELION 5 counts ``rlnCenteredCoordinateXAngst, Y, Z`` in Å from the
tomogram's centre, which is half its size (a voxel's centre where the size is even). Shifts
``rlnOriginX, Y, ZAngst`` are subtracted, after the turn of ``rlnTomoSubtomogramRot, Tilt, Psi``
where a file has them.

What RELION has no label for stands in labels that begin with ``gyrovox``, and in a block of that
name, which RELION does not read.

Source:
    RELION, ParticleSet, https://github.com/3dem/relion, src/jaz/tomography/particle_set.cpp;
    its particle sets, https://relion.readthedocs.io/en/release-4.0/Reference/STA/Datatypes/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import FileFormatError, ParticleError
from gyrovox.io.known_tomogram import KnownTomogram
from gyrovox.io.particle_angles import relion_angles, relion_rotations
from gyrovox.io.star import StarTable, read_star, write_star_blocks
from gyrovox.settings.simulation import Optics
from gyrovox.volumes.particle_table import ParticleTable

_ANGSTROMS = 10.0  # in a nm
_COORDINATES = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ")
_CENTRED = (
    "rlnCenteredCoordinateXAngst",
    "rlnCenteredCoordinateYAngst",
    "rlnCenteredCoordinateZAngst",
)
_ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_SUBTOMOGRAM = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
_SCORE = "rlnAutopickFigureOfMerit"
_OWN = "gyrovox"


def write_relion(
    table: ParticleTable,
    path: Path,
    *,
    version: Literal[4, 5],
    binning: float = 1.0,
    optics: Optics | None = None,
    more_columns: StarTable | None = None,
    overwrite: bool = False,
) -> Path:
    """Write particles for RELION.

    Args:
        table: The particles.
        path: The file to be, .star.
        version: Of RELION: 4 counts in pixels, 5 in Å from the centre.
        binning: Pixels of the tilt series along a voxel of the tomogram.
        optics: The microscope; 300 kV, 2.7 mm and 0.07 if None.
        more_columns: Columns of the particles besides what the table says.
        overwrite: Whether the file may be there already.

    Returns:
        The path.

    Raises:
        SettingsError: If a name is not one word.
        OutputExistsError: If the file is there.
        OutputSpaceError: If there is no room for it.
        MissingFileError: If the folder that it is to lie in is not there.
        FileAccessError: If this user may not write there.
    """
    pixel = table.voxel_size_nm * _ANGSTROMS / binning
    blocks = {
        "optics": _optics_block(table, optics or Optics(), pixel),
        "particles": {**_particles_block(table, version, binning), **(more_columns or {})},
        _OWN: _own_block(table),
    }
    return write_star_blocks(path, blocks, overwrite=overwrite)


def read_relion(path: Path, known: KnownTomogram) -> ParticleTable:
    """Read particles of RELION 4 or 5.

    Args:
        path: The file.
        known: What is known of the tomogram. Its voxel size may be another one than the file's:
            coordinates are then counted in those voxels.

    Returns:
        The particles.

    Raises:
        MissingFileError: If there is no such file.
        FileFormatError: If it is no table of particles, or a text should be a number.
        ParticleError: If the tomogram's voxels are not known, or there are several tomograms.
    """
    blocks = read_star(path)
    particles = blocks.get("particles") or next(
        (block for block in blocks.values() if _COORDINATES[0] in block or _CENTRED[0] in block), {}
    )
    if not (_has(particles, _COORDINATES) or _has(particles, _CENTRED)):
        raise FileFormatError(
            f"{path}: a STAR file of particles must have rlnCoordinateX, Y and Z or "
            f"rlnCenteredCoordinateXAngst, Y and Z, and has {', '.join(particles) or 'no table'}."
        )
    count = len(next(iter(particles.values())))
    own = blocks.get(_OWN, {})
    names = particles.get("rlnTomoName", ["tomogram"] * count)
    name = known.chosen(path, names) or _first(own, "gyrovoxTomoName") or "tomogram"
    rows = [row for row in range(count) if names[row] == name]
    chosen = {label: [column[row] for row in rows] for label, column in particles.items()}
    return _table(_Source(path, chosen, blocks.get("optics", {}), own), known, name)


def _table(source: "_Source", known: KnownTomogram, name: str) -> ParticleTable:
    """The particles of one tomogram."""
    voxel, shape = source.voxels(known)
    subtomogram = source.rotations(_SUBTOMOGRAM)
    turned = source.rotations(_ANGLES)
    if subtomogram is not None:
        turned = subtomogram if turned is None else subtomogram @ turned
    parents = source.optional("gyrovoxParent")
    return ParticleTable(
        positions=source.positions(voxel, shape, subtomogram),
        shape=shape,
        voxel_size_nm=voxel,
        tomogram=name,
        rotations=turned,
        scores=source.optional(_SCORE),
        classes=_classes(source.particles),
        diameters_nm=source.optional("gyrovoxDiameterNm"),
        parents=None if parents is None else parents.astype(np.int64),
    )


def _optics_block(table: ParticleTable, optics: Optics, pixel: float) -> StarTable:
    return {
        "rlnOpticsGroup": ["1"],
        "rlnOpticsGroupName": [table.tomogram],
        "rlnVoltage": [f"{optics.voltage_kv:.6f}"],
        "rlnSphericalAberration": [f"{optics.spherical_aberration_mm:.6f}"],
        "rlnAmplitudeContrast": [f"{optics.amplitude_contrast:.6f}"],
        "rlnTomoTiltSeriesPixelSize": [f"{pixel:.8g}"],
    }


def _particles_block(table: ParticleTable, version: Literal[4, 5], binning: float) -> StarTable:
    count = len(table)
    columns: dict[str, list[str]] = {"rlnTomoName": [table.tomogram] * count}
    if version == 4:
        places, labels = table.positions * binning, _COORDINATES
    else:
        centre = np.array(table.shape) / 2
        places = (table.positions - centre) * table.voxel_size_nm * _ANGSTROMS
        labels = _CENTRED
    columns |= _numbers(labels, places[:, ::-1])
    if table.rotations is not None:
        columns |= _numbers(_ANGLES, relion_angles(table.rotations))
    columns |= _numbers(_ORIGINS, np.zeros((count, 3)))
    if table.classes is not None:
        numbers = {name: index for index, name in enumerate(sorted(set(table.classes)), start=1)}
        columns["rlnClassNumber"] = [str(numbers[name]) for name in table.classes]
        columns["gyrovoxClassName"] = list(table.classes)
    if table.scores is not None:
        columns |= _numbers((_SCORE,), table.scores[:, None])
    columns["rlnOpticsGroup"] = ["1"] * count
    if table.diameters_nm is not None:
        columns |= _numbers(("gyrovoxDiameterNm",), table.diameters_nm[:, None])
    if table.parents is not None:
        columns["gyrovoxParent"] = [str(parent) for parent in table.parents.tolist()]
    return columns


def _own_block(table: ParticleTable) -> StarTable:
    z, y, x = (str(size) for size in table.shape)
    return {
        "gyrovoxTomoName": [table.tomogram],
        "gyrovoxVoxelSizeNm": [repr(float(table.voxel_size_nm))],
        "gyrovoxTomoSizeX": [x],
        "gyrovoxTomoSizeY": [y],
        "gyrovoxTomoSizeZ": [z],
    }


def _numbers(
    labels: Sequence[str], values: Float64[np.ndarray, "n labels"]
) -> dict[str, list[str]]:
    # Adding 0 makes -0 a 0.
    return {
        label: [f"{value + 0.0:.6f}" for value in column]
        for label, column in zip(labels, values.T.tolist(), strict=True)
    }


@final
@dataclass(frozen=True)
class _Source:
    """The blocks of a file.

    Args:
        path: The file.
        particles: Those of one tomogram.
        optics: Its block of that name.
        own: What gyrovox says of the tomogram.
    """

    path: Path
    particles: StarTable
    optics: StarTable
    own: StarTable

    def voxels(self, known: KnownTomogram) -> tuple[float, tuple[int, int, int]]:
        """Size in nm and number (z, y, x) of the tomogram's voxels."""
        stated = _first(self.own, "gyrovoxVoxelSizeNm")
        size = None if stated is None else float(stated)
        sizes = [_first(self.own, f"gyrovoxTomoSize{axis}") for axis in "ZYX"]
        z, y, x = (int(length) if length else 0 for length in sizes)
        wanted = known.voxel_size_nm
        # Its shape is counted in its own voxels, and is no other tomogram's.
        mine = size is not None and wanted in {None, size}
        pixel = self._pixel_size_nm()
        voxel = KnownTomogram(voxel_size_nm=wanted or size or pixel).voxel_size(self.path, None)
        return voxel, known.size(self.path, (z, y, x) if mine and z and y and x else None)

    def positions(
        self,
        voxel: float,
        shape: tuple[int, int, int],
        subtomogram: Float64[np.ndarray, "n 3 3"] | None,
    ) -> Float64[np.ndarray, "n 3"]:
        """Centres (z, y, x) in voxels of the tomogram.

        Raises:
            ParticleError: If they are in pixels of a size that the file does not say.
        """
        angstroms = voxel * _ANGSTROMS
        if _has(self.particles, _CENTRED):
            positions = self._zyx(_CENTRED) / angstroms + np.array(shape) / 2
        else:
            pixel = self._pixel_size_nm()
            if pixel is None:
                raise ParticleError(
                    f"{self.path}: coordinates in pixels need the pixel size of the tilt series, "
                    f"and the file has no rlnTomoTiltSeriesPixelSize in its block optics. Add it."
                )
            positions = self._zyx(_COORDINATES) * (pixel / voxel)
        if _has(self.particles, _ORIGINS):
            shift = self._zyx(_ORIGINS) / angstroms
            if subtomogram is not None:
                shift = np.einsum("nij,nj->ni", subtomogram, shift)
            positions = positions - shift
        return positions

    def rotations(self, labels: Sequence[str]) -> Float64[np.ndarray, "n 3 3"] | None:
        """What the angles of three columns turn; None without them."""
        return relion_rotations(self._values(labels)) if _has(self.particles, labels) else None

    def optional(self, label: str) -> Float64[np.ndarray, " n"] | None:
        """The numbers of a column; None without it."""
        return self._values((label,))[:, 0] if label in self.particles else None

    def _pixel_size_nm(self) -> float | None:
        stated = _first(self.optics, "rlnTomoTiltSeriesPixelSize")
        return None if stated is None else float(stated) / _ANGSTROMS

    def _zyx(self, labels: Sequence[str]) -> Float64[np.ndarray, "n 3"]:
        return np.ascontiguousarray(self._values(labels)[:, ::-1])

    def _values(self, labels: Sequence[str]) -> Float64[np.ndarray, "n labels"]:
        """The numbers of some columns.

        Raises:
            FileFormatError: If a text is none.
        """
        try:
            return np.stack(
                [np.array(self.particles[label], dtype=np.float64) for label in labels], axis=1
            )
        except ValueError as error:
            raise FileFormatError(
                f"{self.path}: {', '.join(labels)} must be numbers: {error}. Mend the file."
            ) from error


def _classes(particles: StarTable) -> tuple[str, ...] | None:
    named = particles.get("gyrovoxClassName", particles.get("rlnClassNumber"))
    return None if named is None else tuple(named)


def _has(particles: StarTable, labels: Sequence[str]) -> bool:
    return all(label in particles for label in labels)


def _first(block: StarTable, label: str) -> str | None:
    return next(iter(block.get(label, ())), None)
