"""Spheres and cuboids: where they are, what they hold, what they keep apart from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Solid:
    """All points within `radius` of a box: a sphere (core 0) or a cuboid (radius 0)."""

    centre: NDArray[np.float64]
    """Centre (z, y, x), shape (3,)."""

    core: NDArray[np.float64]
    """Half the sides of the box, shape (3,)."""

    radius: float
    """How far the solid reaches beyond the box."""

    @property
    def extent(self) -> NDArray[np.float64]:
        """Half the sides of the bounding box, shape (3,)."""
        return self.core + self.radius


def holds(parent: Solid, child: Solid) -> bool:
    """Whether the child lies wholly inside its parent: its farthest point does."""
    reach = np.abs(child.centre - parent.centre) + child.core - parent.core
    if parent.radius == 0.0:
        return bool((reach + child.radius <= 0.0).all())
    return float(np.linalg.norm(np.maximum(reach, 0.0))) + child.radius <= parent.radius


def apart(one: Solid, other: Solid, voxel: NDArray[np.float64]) -> bool:
    """Whether no voxel of one can share a face with a voxel of the other.

    The gap g between two convex bodies, along its unit normal n, separates them by a slab. Two
    voxels that share a face of axis i are |n_i| voxel_i apart across it, so g must exceed that.
    """
    between = np.maximum(np.abs(one.centre - other.centre) - one.core - other.core, 0.0)
    length = float(np.linalg.norm(between))
    gap = length - one.radius - other.radius
    return gap > 0.0 and gap > float((between / length * voxel).max())


def covered(solid: Solid, coordinates: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Which points are within a solid.

    Args:
        solid: The solid.
        coordinates: Three arrays that broadcast to (z, y, x), so warped ones serve as well.

    Returns:
        Whether they are, shape (z, y, x).
    """
    beyond = [
        np.maximum(np.abs(axis - centre) - core, 0.0)
        for axis, centre, core in zip(coordinates, solid.centre, solid.core, strict=True)
    ]
    within: NDArray[np.bool_] = beyond[0] ** 2 + beyond[1] ** 2 + beyond[2] ** 2 <= solid.radius**2
    return within


def rasterised(
    solids: Sequence[Solid], coordinates: Sequence[NDArray[np.float64]]
) -> NDArray[np.uint8]:
    """Label volume (z, y, x): the innermost solid around each voxel's centre, 0 outside all.

    `coordinates` are three arrays that broadcast to (z, y, x), so warped ones serve as well.
    """
    labels = np.zeros(np.broadcast_shapes(*(axis.shape for axis in coordinates)), dtype=np.uint8)
    for label, solid in enumerate(solids, start=1):
        labels[covered(solid, coordinates)] = label
    return labels
