"""The parts of a cell phantom: their sizes, their places, and the classes that they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import SettingsError
from gyrovox.volumes.solids import Solid, apart, holds, rasterised

_PLACE_TRIES = 100
_SIZE_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class CellRecipe:
    """Sizes and counts of the parts of a cell phantom.

    A size is (mean, standard deviation) of a normal distribution, in voxels of a 50³ volume; it
    grows and shrinks with the volume. A cuboid's side is twice its drawn size. Every object is a
    class of its own.
    """

    cell: tuple[float, float] = (25.0, 1.0)
    """Radius of the cell."""

    vesicle: tuple[float, float] = (8.0, 0.5)
    """Radius of a vesicle (a sphere)."""

    mitochondrion: tuple[float, float] = (8.0, 0.5)
    """Half the side of a mitochondrion (a cuboid)."""

    vesicle_protein: tuple[float, float] = (2.0, 0.2)
    """Radius of a protein in a vesicle (a sphere)."""

    mitochondrion_protein: tuple[float, float] = (3.0, 0.15)
    """Half the side of a protein in a mitochondrion (a cuboid)."""

    vesicles: int = 1
    """Vesicles in the cell."""

    mitochondria: int = 1
    """Mitochondria in the cell."""

    proteins: int = 2
    """Proteins in each vesicle and in each mitochondrion."""


def check_parts(recipe: CellRecipe) -> None:
    """Refuse counts that are negative or give more classes than a byte holds.

    Args:
        recipe: Sizes and counts of the parts.

    Raises:
        SettingsError: If they do.
    """
    counts = (recipe.vesicles, recipe.mitochondria, recipe.proteins)
    classes = 2 + (recipe.vesicles + recipe.mitochondria) * (1 + recipe.proteins)
    if min(counts) < 0 or classes > 256:
        raise SettingsError(
            f"the counts of vesicles, mitochondria and proteins must not be negative and give at "
            f"most 256 classes, and {counts} give {classes}."
        )


def drawn_cell(
    generator: np.random.Generator,
    recipe: CellRecipe,
    coordinates: Sequence[NDArray[np.float64]],
    voxel: NDArray[np.float64],
) -> tuple[list[Solid], NDArray[np.uint8]]:
    """Sizes and places of all parts, drawn until every one of them holds a voxel.

    Args:
        generator: Where the randomness comes from.
        recipe: Sizes and counts of the parts.
        coordinates: Centres of the voxels along (z, y, x) as an open grid, 0 in the middle.
        voxel: Size of a voxel along (z, y, x), shape (3,).

    Returns:
        Solids in the order of their labels, from 1, and the labels (z, y, x) that they give.

    Raises:
        SettingsError: If none was found.
    """
    half = np.array([-float(axis.min()) for axis in coordinates]) + voxel / 2
    for _ in range(_SIZE_TRIES):
        solids = _placed_cell(generator, recipe, half, voxel)
        if solids is None:
            continue
        labels = rasterised(solids, coordinates)
        if (np.bincount(labels.ravel(), minlength=len(solids) + 1) > 0).all():
            return solids, labels
    raise SettingsError(
        f"no cell with {recipe.vesicles} vesicles and {recipe.mitochondria} mitochondria of "
        f"{recipe.proteins} proteins each fitted in {_SIZE_TRIES} tries. Choose fewer or smaller "
        f"parts in recipe, or a larger shape."
    )


def _placed_cell(
    generator: np.random.Generator,
    recipe: CellRecipe,
    half: NDArray[np.float64],
    voxel: NDArray[np.float64],
) -> list[Solid] | None:
    """One draw of all sizes and places, or None where some object found no room."""
    cell = _sphere(generator, recipe.cell)
    organelles = _placed_siblings(
        [lambda: _sphere(generator, recipe.vesicle)] * recipe.vesicles
        + [lambda: _cuboid(generator, recipe.mitochondrion)] * recipe.mitochondria,
        generator,
        cell,
        half,
        voxel,
    )
    if organelles is None:
        return None
    proteins: list[Solid] = []
    for place, organelle in enumerate(organelles):
        draw: Callable[[], Solid] = (
            (lambda: _sphere(generator, recipe.vesicle_protein))
            if place < recipe.vesicles
            else (lambda: _cuboid(generator, recipe.mitochondrion_protein))
        )
        found = _placed_siblings([draw] * recipe.proteins, generator, organelle, half, voxel)
        if found is None:
            return None
        proteins += found
    return [cell, *organelles, *proteins]


def _size(generator: np.random.Generator, law: tuple[float, float]) -> float:
    # Not below a tenth of the mean: a normal law also has negative sizes.
    return max(float(generator.normal(*law)), law[0] / 10)


def _sphere(generator: np.random.Generator, law: tuple[float, float]) -> Solid:
    return Solid(np.zeros(3), np.zeros(3), _size(generator, law))


def _cuboid(generator: np.random.Generator, law: tuple[float, float]) -> Solid:
    return Solid(np.zeros(3), np.array([_size(generator, law) for _ in range(3)]), 0.0)


def _placed_siblings(
    draws: list[Callable[[], Solid]],
    generator: np.random.Generator,
    parent: Solid,
    half: NDArray[np.float64],
    voxel: NDArray[np.float64],
) -> list[Solid] | None:
    """Solids at uniform places inside their parent and the volume, apart from one another.

    All siblings are drawn together and rejected together: a first one in the middle, that leaves
    no room for a second, would otherwise hold the search for ever.
    """
    sized = [draw() for draw in draws]
    for _ in range(_PLACE_TRIES):
        placed = [
            Solid(_place_in(generator, parent, solid), solid.core, solid.radius) for solid in sized
        ]
        if all(
            holds(parent, solid) and bool((abs(solid.centre) + solid.extent <= half).all())
            for solid in placed
        ) and all(apart(one, other, voxel) for one, other in combinations(placed, 2)):
            return placed
    return None


def _place_in(generator: np.random.Generator, parent: Solid, child: Solid) -> NDArray[np.float64]:
    """A centre, uniform over where the child's bounding box is inside the parent's."""
    room = np.maximum(parent.extent - child.extent, 0.0)
    return parent.centre + generator.uniform(-1.0, 1.0, size=3) * room


def classes_of(
    recipe: CellRecipe,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """The class of every label at levels 1, 2 and 3: that of its ancestor there.

    Args:
        recipe: Sizes and counts of the parts.

    Returns:
        Three tables, shape (labels,) each.
    """
    organelles = recipe.vesicles + recipe.mitochondria
    owners = np.repeat(np.arange(2, 2 + organelles), recipe.proteins)
    second = np.concatenate([np.arange(2 + organelles), owners]).astype(np.uint8)
    return np.minimum(second, 1), second, np.arange(len(second)).astype(np.uint8)
