"""The virions of a tomogram side by side in one volume, so that one node can hold all spikes."""

import math
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float32, Shaped

from gyrovox.volumes import Volume

from .virions import Virion


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Panels:
    """Virions side by side, rows and columns of cubes that do not overlap.

    Args:
        virions: What is shown, panel by panel.
        starts: First voxel (z, y, x) of each panel.
        shape: Voxels (z, y, x) of all panels together.
    """

    virions: tuple[Virion, ...] = field(repr=False)
    starts: tuple[tuple[int, int, int], ...]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, virions: tuple[Virion, ...]) -> "Panels":
        """Panels of virions with voxels of one size, as square as may be."""
        side = max(max(virion.density.shape) for virion in virions)
        columns = math.ceil(math.sqrt(len(virions)))
        starts = tuple(
            (0, side * (number // columns), side * (number % columns))
            for number in range(len(virions))
        )
        rows = math.ceil(len(virions) / columns)
        return cls(virions=virions, starts=starts, shape=(side, side * rows, side * columns))

    @property
    def voxel_size_nm(self) -> float:
        """Side of a voxel."""
        return self.virions[0].voxel_size_nm

    def joined(
        self, parts: tuple[Shaped[np.ndarray, "_ _ _"], ...], *, elsewhere: float | bool = 0
    ) -> Shaped[np.ndarray, "z y x"]:
        """One array for each virion, put together.

        Args:
            parts: Over the virions' voxels.
            elsewhere: What is between them, where virions differ in size.

        Returns:
            An array over the panels.
        """
        whole = np.full(self.shape, elsewhere, parts[0].dtype)
        for start, part in zip(self.starts, parts, strict=True):
            whole[_box(start, part.shape)] = part
        return whole

    def parts(self, whole: Shaped[np.ndarray, "z y x *rest"]) -> "tuple[Any, ...]":
        """What `joined` put together: the part of an array that each virion has."""
        return tuple(
            whole[_box(start, virion.density.shape)]
            for start, virion in zip(self.starts, self.virions, strict=True)
        )

    def volume(self, name: str) -> Volume:
        """The virions' densities as one volume."""
        return Volume.from_array(self.density(), voxel_size_nm=(self.voxel_size_nm,) * 3, name=name)

    def density(self) -> Float32[np.ndarray, "z y x"]:
        """The virions' densities, 0 between them."""
        return self.joined(tuple(virion.density for virion in self.virions))

    def heights_nm(self) -> Float32[np.ndarray, "z y x"]:
        """Heights over the middle of each membrane, in nm; infinite between the virions."""
        heights = tuple(virion.heights_nm() for virion in self.virions)
        return self.joined(heights, elsewhere=math.inf)

    def inside(self) -> Bool[np.ndarray, "z y x"]:
        """Voxels of the tomogram that belong to the virion of their panel."""
        return self.joined(tuple(virion.inside for virion in self.virions), elsewhere=False)


def _box(start: tuple[int, int, int], shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(low, low + size) for low, size in zip(start, shape, strict=True))
    return z, y, x
