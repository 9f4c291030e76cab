"""Irregular surfaces of a cell phantom: one smooth displacement of all space."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gyrovox.volumes.cell_parts import CellRecipe, classes_of
from gyrovox.volumes.solids import Solid, rasterised

_WARP_LENGTH = 5.0
_WARP_AMPLITUDE = 1.5


def displacement(
    generator: np.random.Generator,
    solids: Sequence[Solid],
    recipe: CellRecipe,
    coordinates: Sequence[NDArray[np.float64]],
    voxel: NDArray[np.float64],
) -> list[NDArray[np.float64]] | None:
    """One smooth random displacement of all space, through which the solids are still sound.

    One map for all surfaces keeps children inside their parents. It may still close the gap
    between two siblings or lose a small object: then another is drawn, in the end a weaker one.

    Args:
        generator: Where the randomness comes from.
        solids: Parts of the cell, in the order of their labels.
        recipe: Their counts.
        coordinates: Centres of the voxels along (z, y, x) as an open grid.
        voxel: Size of a voxel along (z, y, x), shape (3,).

    Returns:
        How far every voxel moves along (z, y, x), shape (z, y, x) each; None if all that were
        drawn spoil something.
    """
    smoothing = _WARP_LENGTH / voxel
    shape = np.broadcast_shapes(*(axis.shape for axis in coordinates))
    for amplitude in np.repeat(_WARP_AMPLITUDE * 0.5 ** np.arange(4), 10):
        moves = []
        for _ in range(3):
            field = ndimage.gaussian_filter(generator.standard_normal(shape), smoothing)
            moves.append(amplitude * field / field.std())
        moved = [axis + move for axis, move in zip(coordinates, moves, strict=True)]
        if _is_sound(rasterised(solids, moved), recipe, len(solids)):
            return moves
    return None


def _is_sound(labels: NDArray[np.uint8], recipe: CellRecipe, objects: int) -> bool:
    """Whether every object is there and no two siblings share a face of a voxel."""
    if not (np.bincount(labels.ravel(), minlength=objects + 1) > 0).all():
        return False
    organelles = recipe.vesicles + recipe.mitochondria
    touching_organelles = _neighbours(classes_of(recipe)[1][labels], organelles + 2)
    touching_proteins = _neighbours(labels, objects + 1)
    return all(low < 2 for low, _ in touching_organelles) and all(
        low < 2 + organelles for low, _ in touching_proteins
    )


def _neighbours(labels: NDArray[np.uint8], count: int) -> set[tuple[int, int]]:
    """Pairs (low, high) of labels that share a face of a voxel somewhere."""
    found: set[tuple[int, int]] = set()
    for axis in range(3):
        ahead = np.moveaxis(labels, axis, 0)
        one, other = ahead[:-1].astype(np.intp), ahead[1:].astype(np.intp)
        differ = one != other
        table = np.bincount(one[differ] * count + other[differ], minlength=count * count)
        for low, high in np.argwhere(table.reshape(count, count)):
            found.add((int(min(low, high)), int(max(low, high))))
    return found
