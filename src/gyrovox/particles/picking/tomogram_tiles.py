"""A tomogram's grid in tiles that know what lies around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32

from gyrovox.patches.tiling import lattice
from gyrovox.volumes import Region


@final
@dataclass(frozen=True, eq=False)
class Tile:
    """A box of a grid, with a halo as far as the grid reaches.

    Args:
        core: What the tile answers for; those of all tiles cover every voxel once.
        read: What it reads: the core with the halo.
        voxels: The voxels of `read`.
    """

    core: Region
    read: Region
    voxels: Float32[np.ndarray, "z y x"]

    @property
    def inner(self) -> tuple[slice, slice, slice]:
        """Where the core lies in what is read."""
        z, y, x = (
            slice(first - start, stop - start)
            for first, stop, start in zip(
                self.core.start, self.core.stop, self.read.start, strict=True
            )
        )
        return z, y, x


def tiles_of(voxels: Float32[np.ndarray, "z y x"], *, side: int, halo: int) -> "Tiles":
    """The tiles of a grid.

    ```
    |----- side ----|----- side ----|---- rest ----|
                ....|<--- core ---->|....
                halo                 halo
    ```

    Args:
        voxels: The grid.
        side: Side of a tile, in voxels; tiles begin at multiples of it.
        halo: Voxels that a tile reads around its core, as far as the grid has them.

    Returns:
        The tiles, in order.
    """
    return Tiles(voxels, lattice(voxels.shape, side), halo)


@final
class Tiles:
    """Tiles of a grid, one at a time.

    Args:
        voxels: The grid.
        cores: What the tiles answer for.
        halo: Voxels that they read around it.
    """

    def __init__(
        self, voxels: Float32[np.ndarray, "z y x"], cores: list[Region], halo: int
    ) -> None:
        self._voxels = voxels
        self._cores = cores
        self._halo = halo

    def __len__(self) -> int:
        return len(self._cores)

    def __iter__(self) -> Iterator[Tile]:
        for core in self._cores:
            read = _grown(core, self._halo, self._voxels.shape)
            yield Tile(core, read, self._voxels[read.slices])


def _grown(core: Region, halo: int, shape: tuple[int, ...]) -> Region:
    z0, y0, x0 = (max(0, first - halo) for first in core.start)
    z1, y1, x1 = (min(count, stop + halo) for count, stop in zip(shape, core.stop, strict=True))
    return Region((z0, y0, x0), (z1, y1, x1))
