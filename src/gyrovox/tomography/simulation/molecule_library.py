"""The molecules of a specimen: from density maps where a folder holds them, else analytic ones.

The maps are known by their names: ``6vxx_spike_5A.mrc`` (a spike without its stalk, which is added)
and, in ``polnet_10A``, ribosomes and soluble proteins. Maps come in units of their own, so each is
scaled until its mean density is that of what it is made of.

Source:
    Walls et al. (2020), https://doi.org/10.1016/j.cell.2020.02.058 (PDB 6VXX); Martinez-Sanchez
    et al. (2024), https://doi.org/10.1109/TMI.2024.3398401 (PolNet).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

import numpy as np

from gyrovox import io
from gyrovox.errors import MissingFileError, VolumeError
from gyrovox.settings.simulation import SPIKE_HEIGHT_NM

from .molecule import Molecule, mean_density
from .molecule_shapes import (
    NUCLEOPROTEIN_V,
    PROTEIN_V,
    analytic_lump,
    analytic_proteins,
    analytic_ribosome,
    analytic_shell,
    analytic_spike,
    rods_on_grid,
    stalk_rod,
)

_SPIKE = "6vxx_spike_5A.mrc"
_RIBOSOME = "polnet_10A/4v4r.mrc"
_PROTEINS = tuple(
    f"polnet_10A/{name}.mrc"
    for name in ("1bxn", "1qvr", "1s3x", "2cg9", "3cf3", "3gl1", "3qm1", "4cr2", "4v94")
)
_EMPTY = 0.02  # share of a map's maximum below which it is cut off


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class MoleculeLibrary:
    """The molecules that a specimen is made of.

    Args:
        spike: Along +z; its foot is half of `SPIKE_HEIGHT_NM` below its centre.
        lump: A nucleoprotein.
        ribosome: A ribosome.
        shell: A hollow shell.
        proteins: Small proteins.
    """

    spike: Molecule
    lump: Molecule
    ribosome: Molecule
    shell: Molecule
    proteins: tuple[Molecule, ...]


def molecule_library(templates: Path | None = None) -> MoleculeLibrary:
    """The molecules of a specimen.

    Args:
        templates: Folder with density maps; what it lacks is analytic, as everything is without.

    Returns:
        The molecules.

    Raises:
        MissingFileError: If the folder is none, or holds no map that is known.
        VolumeError: If a map is empty, or its voxels are no cubes of a known size.
    """
    analytic = _analytic_library()
    if templates is None:
        return analytic
    known = [name for name in (_SPIKE, _RIBOSOME, *_PROTEINS) if (templates / name).is_file()]
    if not known:
        raise MissingFileError(
            f"{templates}: a folder of templates must hold {_SPIKE} or maps like {_RIBOSOME}, and "
            f"holds neither. Name another, or none for analytic shapes."
        )
    proteins = tuple(
        _map_of(templates / name, "protein", PROTEIN_V) for name in _PROTEINS if name in known
    )
    return MoleculeLibrary(
        spike=_spike_of(templates / _SPIKE) if _SPIKE in known else analytic.spike,
        lump=analytic.lump,
        ribosome=(
            _map_of(templates / _RIBOSOME, "ribosome", NUCLEOPROTEIN_V)
            if _RIBOSOME in known
            else analytic.ribosome
        ),
        shell=analytic.shell,
        proteins=proteins or analytic.proteins,
    )


@cache
def _analytic_library() -> MoleculeLibrary:
    """Drawn once: many specimens are made of it."""
    return MoleculeLibrary(
        spike=analytic_spike(),
        lump=analytic_lump(),
        ribosome=analytic_ribosome(),
        shell=analytic_shell(),
        proteins=analytic_proteins(),
    )


def _map_of(path: Path, name: str, mean_v: float) -> Molecule:
    """The molecule of a file, without the empty space around it, centred on its mass.

    Raises:
        VolumeError: If it is empty, or its voxels are no cubes of a known size.
    """
    volume = io.read(path)
    size = volume.voxel_size_nm
    if size is None or not np.allclose(size, size[0], rtol=1e-3):
        raise VolumeError(
            f"{path}: a template must have cubic voxels of a known size, and they are {size} nm."
        )
    density = np.maximum(volume.read()[0].astype(np.float32), 0)
    filled = np.argwhere(density > _EMPTY * density.max())
    if not len(filled):
        raise VolumeError(f"{path}: a template must hold density, and this one is empty.")
    weights = density[tuple(filled.T)].astype(np.float64)
    centre = np.rint(weights @ filled / weights.sum()).astype(int)
    half = int(np.abs(filled - centre).max()) + 1
    # Padded first, so that the same cut serves a molecule that lies close to its map's edge.
    padded = np.pad(density, half)
    cut = tuple(slice(middle, middle + 2 * half + 1) for middle in centre)
    found = padded[cut] * np.float32(mean_v / mean_density(density))
    return Molecule(name=name, density=found, spacing_nm=float(size[0]))


def _spike_of(path: Path) -> Molecule:
    """The spike of 6VXX on its stalk.

    The map's +z points from the membrane to the head (checked with the residues of the PDB entry:
    1080 to 1147 lie lowest, the receptor binding domains 333 to 527 highest).
    """
    body = _map_of(path, "spike", PROTEIN_V)
    spacing, density = body.spacing_nm, body.density
    inside = np.flatnonzero((density >= body.outline).any(axis=(1, 2)))
    top = (inside[-1] - density.shape[0] // 2) * spacing
    lift = round((SPIKE_HEIGHT_NM / 2 - top) / spacing)
    pad = abs(lift) + 2
    wide = np.pad(density, pad)
    lifted = np.roll(wide, lift, axis=0)
    depth, height, width = lifted.shape
    stalk = rods_on_grid([stalk_rod()], (depth, height, width), spacing)
    peak = np.float32(mean_density(density))
    return Molecule(name="spike", density=np.maximum(lifted, peak * stalk), spacing_nm=spacing)
