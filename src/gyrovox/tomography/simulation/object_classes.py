"""What voxels and objects of a specimen are called, and which class lies within which."""

from enum import IntEnum

import numpy as np
from jaxtyping import UInt8


class Coarse(IntEnum):
    """Classes of level 1."""

    BACKGROUND = 0
    VIRION = 1
    VESICLE = 2
    FILAMENT = 3
    MACROMOLECULE = 4
    MEMBRANE = 5
    GOLD = 6


class Part(IntEnum):
    """Classes of level 2."""

    BACKGROUND = 0
    VIRION_MEMBRANE = 1
    VIRION_LUMEN = 2
    SPIKE = 3
    LUMP = 4
    VESICLE_MEMBRANE = 5
    VESICLE_LUMEN = 6
    CARGO = 7
    MICROTUBULE_WALL = 8
    MICROTUBULE_LUMEN = 9
    RIBOSOME = 10
    SHELL = 11
    PROTEIN = 12
    MEMBRANE = 13
    GOLD = 14


_COARSE_OF = {
    Part.BACKGROUND: Coarse.BACKGROUND,
    Part.VIRION_MEMBRANE: Coarse.VIRION,
    Part.VIRION_LUMEN: Coarse.VIRION,
    Part.SPIKE: Coarse.VIRION,
    Part.LUMP: Coarse.VIRION,
    Part.VESICLE_MEMBRANE: Coarse.VESICLE,
    Part.VESICLE_LUMEN: Coarse.VESICLE,
    Part.CARGO: Coarse.VESICLE,
    Part.MICROTUBULE_WALL: Coarse.FILAMENT,
    Part.MICROTUBULE_LUMEN: Coarse.FILAMENT,
    Part.RIBOSOME: Coarse.MACROMOLECULE,
    Part.SHELL: Coarse.MACROMOLECULE,
    Part.PROTEIN: Coarse.MACROMOLECULE,
    Part.MEMBRANE: Coarse.MEMBRANE,
    Part.GOLD: Coarse.GOLD,
}

COARSE_OF_PART: UInt8[np.ndarray, " parts"] = np.array(
    [_COARSE_OF[part] for part in Part], np.uint8
)
"""Class of level 1 that each class of level 2 lies within."""

LEVEL_NAMES: tuple[tuple[str, ...], tuple[str, ...]] = (
    tuple(coarse.name.lower().replace("_", " ") for coarse in Coarse),
    tuple(part.name.lower().replace("_", " ") for part in Part),
)
"""Names of the classes of levels 1 and 2, by their label."""

OBJECT_NAMES = (
    "virion",
    "spike",
    "lump",
    "vesicle",
    "cargo",
    "microtubule",
    "membrane",
    "ribosome",
    "shell",
    "protein",
    "gold",
)
"""Classes of a specimen's table of particles."""
