"""Scores and peaks as what a picker gives: comparable numbers, and a table of particles."""

import math

import numpy as np
from jaxtyping import Float32, Float64

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.tomogram_grid import TomogramGrid
from gyrovox.volumes import ParticleTable

_MAD_OF_A_NORMAL = 0.6744897501960817  # median absolute deviation, in standard deviations


def robust_z(scores: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
    """Scores in standard deviations above what is usual in the map.

    Args:
        scores: Any map.

    Returns:
        The map less its median, over the standard deviation of a normal distribution of the same
        median absolute deviation: the few voxels that are particles hardly move either. All 0 for
        a map that hardly varies.
    """
    middle = np.median(scores)
    spread = np.median(np.abs(scores - middle)) / _MAD_OF_A_NORMAL
    if not spread > 0:
        return np.zeros_like(scores)
    usual: Float32[np.ndarray, "z y x"] = ((scores - middle) / spread).astype(np.float32)
    return usual


def table_of(
    grid: TomogramGrid,
    places: Float64[np.ndarray, "n 3"],
    scores: Float64[np.ndarray, " n"],
    *,
    diameter_nm: float,
    name: str | None,
    rotations: Float64[np.ndarray, "n 3 3"] | None = None,
) -> ParticleTable:
    """Peaks on a grid as particles of its tomogram.

    Args:
        grid: What they were found in.
        places: Positions (z, y, x) in voxels of the grid.
        scores: How sure each one is.
        diameter_nm: What all have.
        name: Class of all of them, if any.
        rotations: What takes the reference to each one.

    Returns:
        The table, in voxels of the tomogram.
    """
    return ParticleTable(
        positions=grid.to_tomogram(places),
        shape=grid.shape,
        voxel_size_nm=grid.tomogram_voxel_size_nm,
        tomogram=grid.word,
        rotations=rotations,
        scores=scores,
        classes=None if name is None else (name,) * len(places),
        diameters_nm=np.full(len(places), float(diameter_nm)),
    )


def check_diameter(diameter_nm: float) -> None:
    """Refuse what no particle's diameter can be.

    Args:
        diameter_nm: The diameter.

    Raises:
        SettingsError: If it is not positive.
    """
    if not 0 < diameter_nm < math.inf:
        raise SettingsError(f"the diameter of particles must be above 0 nm, got {diameter_nm:g}.")
