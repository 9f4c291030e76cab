"""Specimens: a density whose every voxel and every object is known."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from gyrovox.errors import ParticleError, SettingsError
from gyrovox.settings.simulation import SpecimenRecipe
from gyrovox.volumes import ParticleTable

from .canvas import Canvas
from .free_objects import draw_free_objects
from .layout import drawn_layout
from .membrane_objects import draw_sheet, draw_vesicle, draw_virion
from .microtubule import draw_microtubule
from .molecule import MoleculeStamp
from .molecule_library import molecule_library
from .object_classes import COARSE_OF_PART, OBJECT_NAMES
from .roster import Roster


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Specimen:
    """A density, and what each of its voxels belongs to.

    Three truths are nested: a voxel's label at one level says what it is at the level above. Level
    1 has the classes of `Coarse`, level 2 those of `Part`; at level 3 each wall, lumen, spike and
    molecule has a label of its own. There the label of a particle is its row plus 1 (of a hollow
    one, that of its wall), and lumens come after all particles.

    Args:
        density: Potential above that of water in V, shape (z, y, x).
        truths: Labels at levels 1, 2 and 3, each (z, y, x).
        ancestors: Class of level 1 by class of level 2, class of level 2 by label of level 3.
        particles: Every object, with its class, pose, diameter, and the row of what it belongs to.
        voxel_size_nm: Side of a voxel.
        seed: What it was drawn from.
    """

    density: Float32[np.ndarray, "z y x"]
    truths: tuple[
        UInt8[np.ndarray, "z y x"], UInt8[np.ndarray, "z y x"], UInt16[np.ndarray, "z y x"]
    ]
    ancestors: tuple[UInt8[np.ndarray, " parts"], UInt8[np.ndarray, " labels"]]
    particles: ParticleTable
    voxel_size_nm: float
    seed: int

    def particles_of(self, name: str) -> ParticleTable:
        """The objects of one class.

        Args:
            name: The class, such as ``"virion"`` or ``"spike"``.

        Returns:
            Their table, empty where there are none. Parents are rows in the table of the parents'
            class: the virion of a spike is a row of ``particles_of("virion")``.

        Raises:
            ParticleError: If no specimen has such a class.
        """
        if name not in OBJECT_NAMES:
            raise ParticleError(
                f"the class of particles must be one of {', '.join(OBJECT_NAMES)}, and {name!r} "
                f"came."
            )
        classes = np.array(self.particles.classes or (), dtype=object)
        rows = np.flatnonzero(classes == name)
        within = np.full(len(classes) + 1, -1)  # the last one is that of -1, no parent
        for kind in set(classes):
            same = np.flatnonzero(classes == kind)
            within[same] = np.arange(len(same))
        found = self.particles.chosen(rows)
        return ParticleTable(
            positions=found.positions,
            shape=found.shape,
            voxel_size_nm=found.voxel_size_nm,
            tomogram=found.tomogram,
            rotations=found.rotations,
            classes=found.classes,
            diameters_nm=found.diameters_nm,
            parents=None if found.parents is None else within[found.parents],
        )


def make_specimen(seed: int, recipe: SpecimenRecipe | None = None) -> Specimen:
    """A specimen, the same for the same seed and recipe.

    Args:
        seed: Not negative.
        recipe: What it holds; None for the default one.

    Returns:
        The specimen.

    Raises:
        SettingsError: If the seed is negative, or virions or their spikes do not fit.
        MissingFileError: If the recipe's templates are not there.
        VolumeError: If one of them cannot be worked with.
    """
    if seed < 0:
        raise SettingsError(f"a specimen's seed must not be negative, got {seed}.")
    plan = recipe if recipe is not None else SpecimenRecipe()
    library = molecule_library(plan.templates)
    layout = drawn_layout(_stream(seed, 0), plan)
    canvas, roster = Canvas(plan.shape, plan.voxel_size_nm), Roster()
    spike, lump = MoleculeStamp(library.spike, canvas), MoleculeStamp(library.lump, canvas)
    for number, surface in enumerate(layout.virions):
        draw_virion(
            _stream(seed, 1, number), canvas, roster, surface, recipe=plan, spike=spike, lump=lump
        )
    for number, surface in enumerate(layout.vesicles):
        draw_vesicle(
            _stream(seed, 2, number),
            canvas,
            roster,
            surface,
            cargo=plan.cargo_per_vesicle,
            stamp=lump,
        )
    for number, sheet in enumerate(layout.sheets):
        draw_sheet(_stream(seed, 3, number), canvas, roster, sheet)
    for number, axis in enumerate(layout.axes):
        draw_microtubule(_stream(seed, 4, number), canvas, roster, axis)
    draw_free_objects(_stream(seed, 5), canvas, roster, plan, library)
    labels, part_of_label = canvas.finished(roster.parts)
    return Specimen(
        density=canvas.density,
        truths=(COARSE_OF_PART[canvas.parts], canvas.parts, labels),
        ancestors=(COARSE_OF_PART, part_of_label),
        particles=roster.table(plan.shape, plan.voxel_size_nm, f"phantom-{seed}"),
        voxel_size_nm=plan.voxel_size_nm,
        seed=seed,
    )


def _stream(*words: int) -> np.random.Generator:
    """Generators that do not touch each other, so that one object more changes no other one."""
    return np.random.default_rng(words)
