"""Molecules made of balls and rods, for where no density map is given.

Sizes are those of the molecules that they stand for, rounded to what tomograms resolve: a spike of
SARS-CoV-2 (20 nm tall, head 12 nm wide), a bacterial ribosome (25 nm), an apoferritin shell (12 nm
outside, 8 nm inside), a nucleoprotein of SARS-CoV-2 (14 nm), and globular proteins of 4 to 15 nm.

Source:
    Yao et al. (2020), Molecular architecture of the SARS-CoV-2 virus.
    https://doi.org/10.1016/j.cell.2020.09.018
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gyrovox.settings.simulation import SPIKE_HEIGHT_NM

from .molecule import Molecule, mean_density

PROTEIN_V = 2.8
"""Mean potential of protein above that of water, in V."""

NUCLEOPROTEIN_V = 3.4
"""Mean potential of protein with nucleic acid above that of water, in V."""

_SPACING_NM = 0.5
_SOFT_NM = 0.4  # standard deviation that surfaces are smoothed by

Rod = tuple[tuple[float, float, float], tuple[float, float, float], float]
"""Two ends (z, y, x) and a radius, in nm; a ball where the ends are one."""


def analytic_spike() -> Molecule:
    """A prefusion spike along +z: three-fold, the stalk's end half its height below the centre."""
    foot = -SPIKE_HEIGHT_NM / 2
    rods: list[Rod] = [stalk_rod()]
    for angle in _around(3):
        rods += [
            (_ring(foot + 3, 0.8, angle), _ring(2.0, 2.0, angle), 2.0),
            (_ring(4.0, 4.0, angle), _ring(4.5, 4.2, angle), 2.6),
            (_ring(6.5, 1.8, angle + 0.8), _ring(8.0, 1.8, angle + 0.8), 1.9),
        ]
    return molecule_of_rods("spike", rods, PROTEIN_V)


def stalk_rod() -> Rod:
    """The stalk of a spike: from the membrane to its body."""
    foot = -SPIKE_HEIGHT_NM / 2
    return (foot + 1.2, 0.0, 0.0), (foot + 4.0, 0.0, 0.0), 1.2


def analytic_ribosome() -> Molecule:
    """Two lobed subunits, 25 nm across."""
    large: list[Rod] = [(_ring(-4.0, 6.5, a), _ring(-1.0, 5.5, a), 5.8) for a in _around(5)]
    small: list[Rod] = [
        ((8.0, -6.0, -1.0), (8.0, 6.0, 1.0), 4.6),
        ((10.0, 7.0, 0.0), (10.5, 8.5, 0.0), 3.4),
    ]
    return molecule_of_rods("ribosome", [*large, *small], NUCLEOPROTEIN_V)


def analytic_shell() -> Molecule:
    """A hollow shell, 12 nm outside and 8 nm inside."""
    balls: list[Rod] = []
    golden, count = math.pi * (3 - math.sqrt(5)), 80
    for number in range(count):
        height = 1 - (2 * number + 1) / count
        place = _ring(5 * height, 5 * math.sqrt(1 - height**2), golden * number)
        balls.append((place, place, 1.1))
    return molecule_of_rods("shell", balls, PROTEIN_V)


def analytic_lump() -> Molecule:
    """A nucleoprotein: a ring of five pillars, 14 nm across, open on one side."""
    rods: list[Rod] = [(_ring(-3.5, 4.6, a), _ring(3.5, 4.6, a), 2.2) for a in _around(6)[:5]]
    return molecule_of_rods("lump", rods, NUCLEOPROTEIN_V)


def analytic_proteins() -> tuple[Molecule, ...]:
    """Globular proteins of several shapes and sizes."""
    barrel: list[Rod] = [(_ring(-5.0, 3.8, a), _ring(5.0, 3.8, a), 1.9) for a in _around(7)]
    hexamer: list[Rod] = [(_ring(0.0, 4.0, a), _ring(2.5, 3.5, a), 2.2) for a in _around(6)]
    dimer: list[Rod] = [
        ((0.0, -2.0, 0.0), (1.0, -2.5, 0.0), 2.2),
        ((0.0, 2.0, 0.0), (-1.0, 2.5, 0.0), 2.2),
    ]
    ball: list[Rod] = [((0.0, 0.0, 0.0), (0.5, 0.0, 0.0), 2.2)]
    rod: list[Rod] = [
        ((-4.0, 0.0, 0.0), (4.0, 1.0, 0.0), 1.8),
        ((4.0, 1.0, 0.0), (5.0, 3.0, 0.0), 1.8),
    ]
    shapes = (barrel, hexamer, dimer, ball, rod)
    return tuple(molecule_of_rods("protein", shape, PROTEIN_V) for shape in shapes)


def molecule_of_rods(name: str, rods: list[Rod], mean_v: float) -> Molecule:
    """A molecule that is the union of rods.

    Args:
        name: Its class.
        rods: The rods, around its centre.
        mean_v: Its mean density in V.

    Returns:
        The molecule.
    """
    half = max(math.hypot(*end) + radius for *ends, radius in rods for end in ends)
    count = 2 * math.ceil((half + 4 * _SOFT_NM) / _SPACING_NM) + 1
    density = rods_on_grid(rods, (count, count, count), _SPACING_NM)
    density *= mean_v / mean_density(density)
    return Molecule(name=name, density=density, spacing_nm=_SPACING_NM)


def rods_on_grid(
    rods: list[Rod], shape: tuple[int, int, int], spacing_nm: float
) -> NDArray[np.float32]:
    """1 inside of rods and 0 outside, with soft surfaces.

    Args:
        rods: The rods, around the voxel at n // 2.
        shape: Voxels (z, y, x).
        spacing_nm: Side of a voxel.

    Returns:
        Shape (z, y, x).
    """
    axes = [((np.arange(n) - n // 2) * spacing_nm).astype(np.float32) for n in shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    depth = np.full(shape, -np.inf, np.float32)
    for start, end, radius in rods:
        along = np.array(end, np.float32) - np.array(start, np.float32)
        seen = points - np.array(start, np.float32)
        length = max(float(along @ along), 1e-12)
        share = np.clip(seen @ along / length, 0, 1)
        distance = np.linalg.norm(seen - share[..., None] * along, axis=-1)
        np.maximum(depth, radius - distance, out=depth)
    solid = np.clip(0.5 + depth / spacing_nm, 0, 1)
    soft: NDArray[np.float32] = ndimage.gaussian_filter(
        solid, _SOFT_NM / spacing_nm, mode="constant"
    )
    return soft


def _around(count: int) -> list[float]:
    return [2 * math.pi * number / count for number in range(count)]


def _ring(z: float, radius: float, angle: float) -> tuple[float, float, float]:
    return z, radius * math.sin(angle), radius * math.cos(angle)
