"""What floats in the ice: ribosomes, shells, gold beads and small proteins."""

import numpy as np

from gyrovox.settings.simulation import SpecimenRecipe

from .canvas import Canvas
from .lipid_bilayer import filled
from .molecule import MoleculeStamp
from .molecule_library import MoleculeLibrary
from .object_classes import Part
from .orientation import random_rotation
from .roster import Roster

GOLD_V = 22.0
"""Potential of gold above that of water, in V."""

CYTOSOL = 0.15
"""Share of the volume that small proteins take in the densest specimen."""

_TRIES = 40  # at each object


def draw_free_objects(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    recipe: SpecimenRecipe,
    library: MoleculeLibrary,
) -> None:
    """Draw what floats wherever nothing else is, from the largest to the smallest.

    Args:
        generator: Where places and rotations are drawn from.
        canvas: What it is drawn into.
        roster: Where all is entered.
        recipe: How much there is to be.
        library: Its shapes.
    """
    for molecule, part, count in (
        (library.ribosome, Part.RIBOSOME, recipe.ribosomes),
        (library.shell, Part.SHELL, recipe.shells),
    ):
        _draw_molecules(
            generator, canvas, roster, (MoleculeStamp(molecule, canvas),), part=part, count=count
        )
    _draw_gold(generator, canvas, roster, recipe)
    if recipe.crowding:
        stamps = tuple(MoleculeStamp(molecule, canvas) for molecule in library.proteins)
        free = float((canvas.parts == Part.BACKGROUND).sum()) * canvas.voxel_size_nm**3
        each = float(np.mean([molecule.volume_nm3 for molecule in library.proteins]))
        count = round(recipe.crowding * CYTOSOL * free / each)
        _draw_molecules(generator, canvas, roster, stamps, part=Part.PROTEIN, count=count)


def _draw_molecules(
    generator: np.random.Generator,
    canvas: Canvas,
    roster: Roster,
    stamps: tuple[MoleculeStamp, ...],
    *,
    part: Part,
    count: int,
) -> None:
    size_nm = (np.array(canvas.shape) - 1) * canvas.voxel_size_nm
    for _ in range(count):
        # Chosen before it is known where it fits, so that crowding does not prefer small ones.
        stamp = stamps[int(generator.integers(len(stamps)))]
        for _ in range(_TRIES):
            position = generator.uniform(0, size_nm)
            z, y, x = np.rint(position / canvas.voxel_size_nm).astype(int)
            if canvas.parts[z, y, x] != Part.BACKGROUND:
                continue
            rotation = random_rotation(generator)
            if stamp.placed(position, rotation, part, len(roster) + 1):
                name, diameter = stamp.molecule.name, 2 * stamp.reach_nm
                roster.add(name, part, position, rotation, diameter_nm=diameter)
                break


def _draw_gold(
    generator: np.random.Generator, canvas: Canvas, roster: Roster, recipe: SpecimenRecipe
) -> None:
    radius, size = recipe.gold_diameter_nm / 2, canvas.voxel_size_nm
    size_nm = (np.array(canvas.shape) - 1) * size
    if (size_nm < 2 * radius).any():
        return
    placed = 0
    for _ in range(_TRIES * recipe.gold):
        if placed == recipe.gold:
            return
        position = generator.uniform(radius, size_nm - radius)
        box = canvas.box_around(position, radius + size)
        z, y, x = canvas.offsets(box, position)
        depth = radius - np.sqrt(z * z + y * y + x * x)
        bead = depth >= 0
        if not bead.any() or (canvas.parts[box][depth >= -size] != Part.BACKGROUND).any():
            continue
        canvas.density[box] += filled(depth, GOLD_V, size)
        row = roster.add(
            "gold", Part.GOLD, position, np.eye(3), diameter_nm=recipe.gold_diameter_nm
        )
        canvas.claim(box, bead, Part.GOLD, row + 1)
        placed += 1
