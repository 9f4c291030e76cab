"""The same volume at several scales, by averaging cubes of voxels."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.settings import ScaleSampling


def scale_pyramid(
    voxels: Float[Tensor, "channels z y x"], scales: Sequence[int], *, smallest: int
) -> dict[int, Float[Tensor, "channels Z Y X"]]:
    """Averages of cubes of ``scale`` voxels a side.

    Voxel i of the level ``scale`` is the mean of voxels ``scale * i`` to ``scale * (i + 1) - 1``
    along each axis; what does not fill a cube at the far end is left out.

    Args:
        voxels: Shape ``(channels, z, y, x)``.
        scales: Factors, each at least 1.
        smallest: Levels with fewer voxels than this along an axis are left out.

    Returns:
        The levels by factor, shapes ``(channels, z // scale, y // scale, x // scale)``.
    """
    return {
        scale: voxels if scale == 1 else nn.functional.avg_pool3d(voxels, scale)
        for scale in scales
        if min(voxels.shape[1:]) // scale >= smallest
    }


def sliding_mean(
    voxels: Float[Tensor, "channels z y x"], scale: int
) -> Float[Tensor, "channels Z Y X"]:
    """Means of the cubes of ``scale`` voxels a side that begin at each voxel.

    Args:
        voxels: Shape ``(channels, z, y, x)``.
        scale: Side of the cube, in voxels.

    Returns:
        Shape ``(channels, z - scale + 1, y - scale + 1, x - scale + 1)``.
    """
    return voxels if scale == 1 else nn.functional.avg_pool3d(voxels, scale, stride=1)


def scale_weights(scales: Sequence[int], sampling: ScaleSampling) -> Float[Tensor, "scales"]:
    """How often each level of a pyramid is drawn.

    A size r that is uniform has a chance in proportion to the length of the octave that a level
    stands for, hence to its scale; a size that is uniform in log r has the same chance everywhere.

    Args:
        scales: Factors of the levels.
        sampling: How the size is distributed.

    Returns:
        Weights, one a level, with sum 1.
    """
    weights = torch.tensor(scales, dtype=torch.float32)
    if sampling == "log-uniform":
        weights = torch.ones_like(weights)
    return weights / weights.sum()
