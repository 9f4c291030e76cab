"""All rays through a section of the specimen, forward and back."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gyrovox.tomography.ray_weights import RayWeights, sections_at_once


@final
class SectionRays:
    """The projection of sections (z, x), kept because it is used again and again.

    Args:
        tilt_degrees: Tilts, shape (tilts,).
        section: Voxels (z, x).
        columns: Pixels of a row.
    """

    def __init__(
        self,
        tilt_degrees: Float64[np.ndarray, " tilts"],
        section: tuple[int, int],
        columns: int,
    ) -> None:
        depth, width = section
        self.voxels = depth * width
        self._width = width
        self._slabs: list[tuple[int, int, RayWeights]] = []
        step = sections_at_once(len(tilt_degrees), width)
        for start in range(0, depth, step):
            stop = min(start + step, depth)
            z_range = (start - depth // 2, stop - depth // 2)
            rays = RayWeights(tilt_degrees, z_range, width, columns)
            self._slabs.append((start * width, stop * width, rays))

    def project(self, found: Float[Tensor, "voxels y"]) -> Float[Tensor, "pixels y"]:
        """What the sections look like: rows of all tilts, one after the other."""
        projected = [rays.project(found[start:stop]) for start, stop, rays in self._slabs]
        return projected[0] if len(projected) == 1 else torch.stack(projected).sum(dim=0)

    def backproject(self, rows: Float[Tensor, "pixels y"]) -> Float[Tensor, "voxels y"]:
        """Rows of all tilts, smeared back: the adjoint."""
        return torch.cat([rays.backproject(rows) for _, _, rays in self._slabs])
