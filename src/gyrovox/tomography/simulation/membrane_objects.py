"""What has a membrane: virions with their spikes, vesicles, and membranes across the volume."""

import math

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import SPIKE_HEIGHT_NM, SpecimenRecipe

from .canvas import Canvas
from .layout import Sheet
from .lipid_bilayer import BILAYER_NM, bilayer_potential, filled, peak
from .molecule import MoleculeStamp
from .object_classes import Part
from .orientation import leaning, random_direction, random_rotation, standing_along
from .roster import Roster
from .round_surface import RoundSurface

ENVELOPE_NM = 8.0
"""Thickness of a virion's membrane with the inner ends of its M proteins."""

_M_DEPTH_NM, _M_V, _M_WIDTH_NM = 6.9, 1.8, 0.7
_M_GRAIN_NM = 7.0
_LUMEN_V = 0.15
_TRIES = 400


def draw_virion(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    *,
    recipe: SpecimenRecipe,
    spike: MoleculeStamp,
    lump: MoleculeStamp,
) -> None:
    """Draw a virion: envelope, lumps inside, spikes outside.

    Args:
        generator: Where all about it is drawn from.
        canvas: What it is drawn into.
        roster: Where it is entered, with all that it holds.
        surface: The outer surface of its membrane.
        recipe: What it is to hold.
        spike: Its spikes.
        lump: Its lumps.

    Raises:
        SettingsError: If there is no room for its spikes.
    """
    row = _draw_round(generator, canvas, roster, surface, is_virion=True)
    _draw_spikes(generator, canvas, roster, surface, recipe=recipe, stamp=spike, virion=row)
    for _ in range(recipe.lumps_per_virion):
        _draw_inside(generator, canvas, roster, surface, stamp=lump, parent=row, is_virion=True)


def draw_vesicle(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    *,
    cargo: int,
    stamp: MoleculeStamp,
) -> None:
    """Draw a vesicle with its cargo.

    Args:
        generator: Where all about it is drawn from.
        canvas: What it is drawn into.
        roster: Where it is entered, with all that it holds.
        surface: The outer surface of its membrane.
        cargo: Lumps that it holds.
        stamp: Such a lump.
    """
    row = _draw_round(generator, canvas, roster, surface, is_virion=False)
    for _ in range(cargo):
        _draw_inside(generator, canvas, roster, surface, stamp=stamp, parent=row, is_virion=False)


def draw_sheet(
    generator: np.random.Generator, canvas: Canvas, roster: Roster, sheet: Sheet
) -> None:
    """Draw a membrane that crosses the volume.

    Args:
        generator: Where its rotation about its normal is drawn from.
        canvas: What it is drawn into.
        roster: Where it is entered; its diameter there is its thickness.
        sheet: Its middle.
    """
    normal = (sheet.point_nm - sheet.centre_nm) / sheet.radius_nm
    rotation = standing_along(normal / np.linalg.norm(normal), generator)
    row = roster.add("membrane", Part.MEMBRANE, sheet.point_nm, rotation, diameter_nm=BILAYER_NM)
    whole = tuple(slice(0, count) for count in canvas.shape)
    box = (whole[0], whole[1], whole[2])
    z, y, x = canvas.offsets(box, sheet.point_nm)
    # |p - c| - R from the point of the membrane on: no difference of two numbers of 1e5 nm.
    along = normal.astype(np.float32)
    height = z * along[0] + y * along[1] + x * along[2]
    squared = z * z + y * y + x * x
    radius = np.float32(sheet.radius_nm)
    depth = BILAYER_NM / 2 - (2 * height + squared / radius) / (
        1 + np.sqrt(1 + (2 * height + squared / radius) / radius)
    )
    near = np.abs(depth - BILAYER_NM / 2) < BILAYER_NM
    canvas.density[near] += bilayer_potential(depth[near], canvas.voxel_size_nm)
    canvas.claim(box, (depth >= 0) & (depth < BILAYER_NM), Part.MEMBRANE, row + 1)


def _draw_round(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    *,
    is_virion: bool,
) -> int:
    """The membrane and the lumen; the row of the whole."""
    wall = Part.VIRION_MEMBRANE if is_virion else Part.VESICLE_MEMBRANE
    lumen = Part.VIRION_LUMEN if is_virion else Part.VESICLE_LUMEN
    thickness = ENVELOPE_NM if is_virion else BILAYER_NM
    row = roster.add(
        "virion" if is_virion else "vesicle",
        wall,
        surface.centre_nm,
        random_rotation(generator),
        diameter_nm=2 * surface.radius_nm,
    )
    box = canvas.box_around(surface.centre_nm, surface.reach_nm + 4.0)
    offsets = canvas.offsets(box, surface.centre_nm)
    depth, size = surface.depth(offsets), canvas.voxel_size_nm
    near = (depth > -5) & (depth < 15)
    potential = bilayer_potential(depth[near], size)
    if is_virion:
        proteins = peak(depth[near] - _M_DEPTH_NM, _M_V, _M_WIDTH_NM, size)
        potential += proteins * _grain(generator, offsets, near)
    added = filled(depth - thickness, _LUMEN_V, size)
    added[near] += potential
    canvas.density[box] += added
    canvas.claim(box, (depth >= 0) & (depth < thickness), wall, row + 1)
    canvas.claim(box, depth >= thickness, lumen, canvas.inner_label(lumen))
    return row


def _grain(
    generator: np.random.Generator,
    offsets: tuple[NDArray[np.float32], ...],
    near: NDArray[np.bool_],
) -> NDArray[np.floating]:
    """A pattern around 1 with the spacing of M proteins, at the voxels of a mask."""
    grid = np.broadcast_arrays(*offsets)
    places = np.stack([axis[near] for axis in grid], axis=1)
    pattern = np.ones(len(places), np.float32)
    for _ in range(4):
        wave = (2 * np.pi / _M_GRAIN_NM * random_direction(generator)).astype(np.float32)
        pattern += 0.25 * np.cos(places @ wave + np.float32(generator.uniform(0, 2 * np.pi)))
    return pattern


def _draw_spikes(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    *,
    recipe: SpecimenRecipe,
    stamp: MoleculeStamp,
    virion: int,
) -> None:
    """Spikes on the membrane, apart from each other.

    Raises:
        SettingsError: If there is no room for them.
    """
    mean = recipe.spikes_per_virion
    if recipe.spike_density_per_nm2 is not None:
        mean = recipe.spike_density_per_nm2 * 4 * math.pi * surface.radius_nm**2
    drawn = mean * (1 + recipe.spike_spread * generator.standard_normal())
    count = max(0, round(drawn))
    feet = np.empty((0, 3))
    while len(feet) < count:
        foot = _draw_spike(
            generator, canvas, roster, surface, feet, recipe=recipe, stamp=stamp, virion=virion
        )
        if foot is None:
            raise SettingsError(
                f"{count} spikes {recipe.spike_spacing_nm:g} nm apart must fit onto a virion of "
                f"{2 * surface.radius_nm:.0f} nm, and {len(feet)} did. Lower spikes_per_virion or "
                f"spike_spacing_nm."
            )
        feet = np.concatenate([feet, foot[None]])


def _draw_spike(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    feet: NDArray[np.float64],
    *,
    recipe: SpecimenRecipe,
    stamp: MoleculeStamp,
    virion: int,
) -> NDArray[np.float64] | None:
    """A spike apart from the feet of others; its foot, or None where there is no room."""
    on = (Part.BACKGROUND, Part.VIRION_MEMBRANE)
    for _ in range(_TRIES):
        direction = random_direction(generator)
        foot = surface.centre_nm + surface.radius_along(direction) * direction
        if (np.linalg.norm(feet - foot, axis=1) < recipe.spike_spacing_nm).any():
            continue
        normal = surface.normal_along(direction)
        stand = leaning(normal, recipe.spike_tilt_degrees, generator)
        position, rotation = foot + SPIKE_HEIGHT_NM / 2 * stand, standing_along(stand, generator)
        if stamp.placed(position, rotation, Part.SPIKE, len(roster) + 1, on=on):
            roster.add(
                "spike", Part.SPIKE, position, rotation, diameter_nm=SPIKE_HEIGHT_NM, parent=virion
            )
            return foot
    return None


def _draw_inside(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    surface: RoundSurface,
    *,
    stamp: MoleculeStamp,
    parent: int,
    is_virion: bool,
) -> None:
    """A lump in the lumen, where there is room for one."""
    part, lumen = (Part.LUMP, Part.VIRION_LUMEN) if is_virion else (Part.CARGO, Part.VESICLE_LUMEN)
    thickness = ENVELOPE_NM if is_virion else BILAYER_NM
    for _ in range(_TRIES // 10):
        direction = random_direction(generator)
        room = surface.radius_along(direction) - thickness - stamp.reach_nm
        if room <= 0:
            continue
        # Most lie below the membrane, as nucleoproteins of coronaviruses do.
        away = room * generator.uniform() ** (1 / 6 if is_virion else 1 / 3)
        position, rotation = surface.centre_nm + away * direction, random_rotation(generator)
        label = len(roster) + 1
        if stamp.placed(position, rotation, part, label, on=(lumen,), over=lumen):
            diameter = 2 * stamp.reach_nm
            roster.add(
                stamp.molecule.name if is_virion else "cargo",
                part,
                position,
                rotation,
                diameter_nm=diameter,
                parent=parent,
            )
            return
