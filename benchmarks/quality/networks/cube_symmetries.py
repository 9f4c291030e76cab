"""Turns and mirrorings of a grid that need no interpolation, and can be undone exactly."""

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Symmetry:
    """One of the 48 symmetries of a cube, or of the 8 of a square.

    Args:
        order: Where the last three axes come from: new axis i is old axis ``order[i]``.
        flipped: New axes that are mirrored after that, 0 to 2.
    """

    order: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[int, ...] = ()

    def of(self, grid: torch.Tensor) -> torch.Tensor:
        """The grid, turned in its last three axes."""
        return _reordered(grid, self.order).flip([grid.ndim - 3 + axis for axis in self.flipped])

    def undone(self, grid: torch.Tensor) -> torch.Tensor:
        """What `of` made the grid from."""
        back = tuple(int(axis) for axis in np.argsort(self.order))
        return _reordered(grid.flip([grid.ndim - 3 + axis for axis in self.flipped]), back)


def random_symmetry(chance: np.random.Generator, *, in_slice: bool = False) -> Symmetry:
    """A uniform symmetry of the cube, or of its (y, x) slices, which leaves z alone."""
    if in_slice:
        y, x = (int(axis) for axis in chance.permutation([1, 2]))
        flips = [axis for axis in (1, 2) if chance.random() < 0.5]
        return Symmetry((0, y, x), tuple(flips))
    z, y, x = (int(axis) for axis in chance.permutation(3))
    flips = [axis for axis in range(3) if chance.random() < 0.5]
    return Symmetry((z, y, x), tuple(flips))


def _reordered(grid: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    """The grid with its last three axes in another order."""
    first = grid.ndim - 3
    return grid.permute(*range(first), *(first + axis for axis in order))
