"""The potential across a lipid bilayer: two leaflets of head groups, and tails between them."""

import math

import numpy as np
from numpy.typing import NDArray

BILAYER_NM = 5.8
"""Thickness of a bilayer, from the outside of one leaflet to the outside of the other."""

_LEAFLETS_APART_NM = 4.2
_HEADS_V, _HEADS_WIDTH_NM = 2.6, 0.7
_TAILS_V, _TAILS_WIDTH_NM = -0.7, 0.9


def bilayer_potential(depth_nm: NDArray[np.floating], voxel_size_nm: float) -> NDArray[np.floating]:
    """Potential at a depth below the outer surface of a bilayer.

    Args:
        depth_nm: Distances below the outside of the outer leaflet, any shape.
        voxel_size_nm: Side of the voxels that see it.

    Returns:
        V above that of water, in the shape of `depth_nm`; less sharp where voxels are large.

    Source:
        Nagle & Tristram-Nagle (2000), figures 2 and 7: head groups of a fluid bilayer lie about
        4 nm apart. https://doi.org/10.1016/S0304-4157(00)00016-2
    """
    outer = (BILAYER_NM - _LEAFLETS_APART_NM) / 2
    peaks = (
        (outer, _HEADS_V, _HEADS_WIDTH_NM),
        (outer + _LEAFLETS_APART_NM, _HEADS_V, _HEADS_WIDTH_NM),
        (BILAYER_NM / 2, _TAILS_V, _TAILS_WIDTH_NM),
    )
    potential = np.zeros_like(depth_nm)
    for middle, height, width in peaks:
        potential += peak(depth_nm - middle, height, width, voxel_size_nm)
    return potential


def peak(
    distance_nm: NDArray[np.floating], height_v: float, width_nm: float, voxel_size_nm: float
) -> NDArray[np.floating]:
    """A Gaussian as voxels see it: wider and lower where they are large, of the same area.

    Args:
        distance_nm: Distances from its middle, any shape.
        height_v: What it is there in V, where voxels are small.
        width_nm: Its standard deviation.
        voxel_size_nm: Side of the voxels.

    Returns:
        In V, in the shape of `distance_nm`.
    """
    seen = math.hypot(width_nm, 0.35 * voxel_size_nm)
    return np.asarray(height_v * width_nm / seen * np.exp(-0.5 * (distance_nm / seen) ** 2))


def filled(
    depth_nm: NDArray[np.floating], height_v: float, voxel_size_nm: float
) -> NDArray[np.floating]:
    """What lies below a surface, with an edge as wide as a voxel.

    Args:
        depth_nm: Distances below the surface, any shape.
        height_v: What lies there in V.
        voxel_size_nm: Side of the voxels.

    Returns:
        In V, in the shape of `depth_nm`.
    """
    return np.asarray(height_v * np.clip(0.5 + depth_nm / voxel_size_nm, 0, 1))
