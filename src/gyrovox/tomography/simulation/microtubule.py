"""Microtubules: hollow tubes of 13 or 14 protofilaments."""

import numpy as np

from .canvas import Canvas
from .layout import MICROTUBULE_NM, Axis
from .lipid_bilayer import filled
from .molecule_shapes import PROTEIN_V
from .object_classes import Part
from .orientation import standing_along
from .roster import Roster

_WALL_NM = 4.4  # thickness
_SUBUNIT_NM = 4.05  # along a protofilament
_RISE_NM = 12.2  # along the axis, once around: three subunits
_PROTOFILAMENTS = (13, 14)
_LATERAL, _AXIAL = 0.35, 0.25  # how much less dense it is between protofilaments, subunits


def draw_microtubule(
    generator: np.random.Generator, canvas: Canvas, roster: Roster, axis: Axis
) -> None:
    """Draw a microtubule that crosses the volume.

    Args:
        generator: Where its protofilaments and their turn are drawn from.
        canvas: What it is drawn into.
        roster: Where it is entered; its reference stands along +z.
        axis: Where it is.

    Source:
        Desai & Mitchison (1997): 25 nm wide, most of 13 protofilaments, subunits 4 nm apart.
        https://doi.org/10.1146/annurev.cellbio.13.1.83
    """
    rotation = standing_along(axis.direction, generator)
    row = roster.add(
        "microtubule", Part.MICROTUBULE_WALL, axis.point_nm, rotation, diameter_nm=MICROTUBULE_NM
    )
    filaments = int(generator.choice(_PROTOFILAMENTS))
    size, outer = canvas.voxel_size_nm, MICROTUBULE_NM / 2
    box = (slice(0, canvas.shape[0]), slice(0, canvas.shape[1]), slice(0, canvas.shape[2]))
    offsets = canvas.offsets(box, axis.point_nm)
    turned = rotation.astype(np.float32)
    squared = offsets[0] ** 2 + offsets[1] ** 2 + offsets[2] ** 2
    along = sum(offset * turned[part, 0] for part, offset in enumerate(offsets))
    radius_squared = squared - along * along
    near = radius_squared < (outer + 2 * size) ** 2
    places = np.stack([axis[near] for axis in np.broadcast_arrays(*offsets)], axis=1) @ turned
    radius, angle = np.hypot(places[:, 1], places[:, 2]), np.arctan2(places[:, 1], places[:, 2])
    wall = filled(outer - radius, PROTEIN_V, size) - filled(
        outer - _WALL_NM - radius, PROTEIN_V, size
    )
    turn = angle / (2 * np.pi)
    pattern = 1 + _LATERAL * np.cos(2 * np.pi * filaments * turn)
    pattern += _AXIAL * np.cos(2 * np.pi * (places[:, 0] - _RISE_NM * turn) / _SUBUNIT_NM)
    canvas.density[near] += wall * pattern
    mask = np.zeros(canvas.shape, bool)
    mask[near] = (radius < outer) & (radius >= outer - _WALL_NM)
    canvas.claim(box, mask, Part.MICROTUBULE_WALL, row + 1)
    mask[near] = radius < outer - _WALL_NM
    lumen = Part.MICROTUBULE_LUMEN
    canvas.claim(box, mask, lumen, canvas.inner_label(lumen))
