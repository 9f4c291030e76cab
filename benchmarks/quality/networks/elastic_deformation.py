"""Random smooth deformations, by B-splines over a coarse grid of random displacements."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.quality.networks.spatial_transform import voxel_positions


def elastic_displacement(
    shape: Sequence[int], chance: np.random.Generator, *, spacing: float, deviation: float
) -> NDArray[np.float32]:
    """Cubic B-splines whose coefficients are normal vectors on a coarse grid.

    Args:
        shape: Voxels along (z, y, x).
        chance: To draw from.
        spacing: Of the coarse grid, in voxels.
        deviation: Standard deviation of the coefficients, in voxels.

    Returns:
        Displacement in voxels, shape (3, z, y, x).
    """
    bases = [_spline_basis(side, spacing) for side in shape]
    coefficients = chance.normal(0.0, deviation, (3, *(basis.shape[1] for basis in bases)))
    return np.einsum("cijk,zi,yj,xk->czyx", coefficients, *bases, optimize=True).astype(np.float32)


def deformed_positions(
    start: Sequence[int],
    shape: Sequence[int],
    chance: np.random.Generator,
    *,
    spacing: float = 32.0,
    deviation: float = 4.0,
    most_degrees: float = 30.0,
    most_scale: float = 1.15,
) -> Tensor:
    """Where the voxels of a box come from: it is turned, scaled and smoothly deformed.

    Args:
        start: First voxel of the box (z, y, x).
        shape: Of the box.
        chance: To draw from.
        spacing: Of the coarse grid, in voxels; as published.
        deviation: Of the displacements of the coarse grid, in voxels; as published.
        most_degrees: Largest angle about each axis.
        most_scale: Largest scale, and the inverse of the smallest.

    Returns:
        Positions (z, y, x) in voxels of the volume, shape (3, z, y, x).
    """
    angles = chance.uniform(-most_degrees, most_degrees, 3)
    scale = math.exp(chance.uniform(-1, 1) * math.log(most_scale))
    matrix = scale * Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    middle = (np.asarray(shape) - 1) / 2
    offsets = voxel_positions(shape) - _column(middle)
    turned = torch.einsum("ij,jzyx->izyx", torch.from_numpy(matrix).float(), offsets)
    moved = elastic_displacement(shape, chance, spacing=spacing, deviation=deviation)
    return turned + _column(middle + np.asarray(start)) + torch.from_numpy(moved)


def _column(vector: NDArray[np.floating]) -> Tensor:
    return torch.from_numpy(vector.astype(np.float32)).view(3, 1, 1, 1)


def _spline_basis(side: int, spacing: float) -> NDArray[np.float64]:
    """Values of the cubic B-splines at the voxels of an axis, shape (side, splines)."""
    degree = 3
    intervals = max(1, math.ceil((side - 1) / spacing))
    knots = spacing * np.arange(-degree, intervals + degree + 1)
    # The coarse grid is centred on the box, so that no side of it is favoured.
    places = np.arange(side) + (intervals * spacing - (side - 1)) / 2
    basis: NDArray[np.float64] = BSpline.design_matrix(places, knots, degree).toarray()
    return basis
