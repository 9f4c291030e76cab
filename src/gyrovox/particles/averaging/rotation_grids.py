"""Turns that an alignment tries: leans of the reference's axis, and turns about it."""

import math

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

_WHOLE_TURN = 360.0


def local_rotations(
    *, step_degrees: float, lean_degrees: float, spin_degrees: float
) -> Float64[np.ndarray, "rotations 3 3"]:
    """Turns around none: the axis z leans in all directions, and the reference spins about it.

    Args:
        step_degrees: Angle between neighbours.
        lean_degrees: Largest lean of the axis.
        spin_degrees: Largest spin to either side; 180 and more is a whole turn.

    Returns:
        Matrices on (z, y, x) columns that spin first and lean then, shape (rotations, 3, 3).
        The first one turns nothing.
    """
    spins = _spins(step_degrees, spin_degrees)
    leans = _leans(step_degrees, lean_degrees)
    turned = [
        lean * Rotation.from_rotvec([0, 0, math.radians(spin)]) for lean in leans for spin in spins
    ]
    matrices = np.stack([rotation.as_matrix() for rotation in turned])
    return np.ascontiguousarray(matrices[:, ::-1, ::-1])


def spins_about_axis(symmetry: int) -> Float64[np.ndarray, "symmetry 3 3"]:
    """The turns about z that leave a reference of some symmetry as it is.

    Args:
        symmetry: How many there are, 1 for none but that which turns nothing.

    Returns:
        Matrices on (z, y, x) columns, shape (symmetry, 3, 3).
    """
    angles = np.arange(symmetry) * _WHOLE_TURN / symmetry
    turned = Rotation.from_euler("z", angles[:, None], degrees=True).as_matrix()
    return np.ascontiguousarray(turned[:, ::-1, ::-1])


def _spins(step: float, largest: float) -> list[float]:
    """0 first, then to both sides."""
    if largest >= _WHOLE_TURN / 2:
        count = math.ceil(_WHOLE_TURN / step)
        return [index * _WHOLE_TURN / count for index in range(count)]
    each = math.ceil(largest / step)
    sizes = [largest * index / max(each, 1) for index in range(1, each + 1)]
    return [0.0, *(sign * size for size in sizes for sign in (1, -1))]


def _leans(step: float, largest: float) -> list[Rotation]:
    """Upright first, then rings of leans whose neighbours are a step apart."""
    leans = [Rotation.identity()]
    rings = math.ceil(largest / step)
    for ring in range(1, rings + 1):
        lean = math.radians(largest * ring / rings)
        count = max(3, round(2 * math.pi * math.sin(lean) / math.radians(step)))
        for index in range(count):
            towards = 2 * math.pi * index / count
            axis = np.array([-math.sin(towards), math.cos(towards), 0.0])
            leans.append(Rotation.from_rotvec(lean * axis))
    return leans
