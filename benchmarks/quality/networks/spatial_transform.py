"""Spatial transforms: displacements of voxels, how to apply them, and how to compose them."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def voxel_positions(shape: Sequence[int], device: torch.device | None = None) -> Tensor:
    """Indices (z, y, x) of every voxel, shape (3, z, y, x)."""
    axes = [torch.arange(side, dtype=torch.float32, device=device) for side in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def sample(
    volume: Tensor,
    positions: Tensor,
    *,
    mode: Literal["bilinear", "nearest"] = "bilinear",
    beyond: Literal["border", "zeros"] = "border",
) -> Tensor:
    """The values of a volume at any positions.

    Args:
        volume: Shape (batch, channels, z, y, x).
        positions: In voxels (z, y, x) of the volume, shape (batch, 3, *where).
        mode: `bilinear` is trilinear here; `nearest` for classes.
        beyond: What is outside the volume: its nearest voxel, or 0.

    Returns:
        Shape (batch, channels, *where).
    """
    # A side of one voxel has no extent to normalise by.
    last = [max(side - 1, 1) for side in volume.shape[2:]]
    scale = torch.tensor(last, dtype=positions.dtype, device=positions.device)
    normalised = 2 * positions / scale.view(1, 3, 1, 1, 1) - 1
    # torch wants x first, and the coordinates last.
    grid = normalised.flip(1).permute(0, 2, 3, 4, 1)
    return functional.grid_sample(volume, grid, mode=mode, padding_mode=beyond, align_corners=True)


def warp(
    volume: Tensor, displacement: Tensor, *, mode: Literal["bilinear", "nearest"] = "bilinear"
) -> Tensor:
    r"""A volume seen through a transform: :math:`(x ∘ φ)(p) = x(p + u(p))`.

    Args:
        volume: Shape (batch, channels, z, y, x).
        displacement: u in voxels (z, y, x), shape (batch, 3, z, y, x).
        mode: `bilinear`, or `nearest` for classes.

    Returns:
        Shape (batch, channels, z, y, x).

    Source:
        Jaderberg, Simonyan, Zisserman & Kavukcuoglu (2015). https://arxiv.org/abs/1506.02025
    """
    where = voxel_positions(displacement.shape[2:], displacement.device)
    return sample(volume, where + displacement, mode=mode)


def integrated(velocity: Tensor, squarings: int = 6) -> Tensor:
    """The displacement after unit time in a velocity that does not change with time.

    By scaling and squaring; the integral of the negative velocity is the inverse transform.

    Args:
        velocity: In voxels (z, y, x), shape (batch, 3, z, y, x).
        squarings: The first step lasts 2 to the power of minus that.

    Returns:
        Displacement of the same shape.

    Source:
        Arsigny, Commowick, Pennec & Ayache (2006), algorithm 2.
        https://doi.org/10.1007/11866565_113
    """
    displacement = velocity / 2**squarings
    for _ in range(squarings):
        displacement = displacement + warp(displacement, displacement)
    return displacement


def resized_displacement(displacement: Tensor, shape: Sequence[int]) -> Tensor:
    """The same displacement on another grid over the same box, in voxels of that grid.

    Args:
        displacement: In voxels (z, y, x), shape (batch, 3, z, y, x).
        shape: Of the other grid.

    Returns:
        Shape (batch, 3, *shape).
    """
    ratios = [
        (new - 1) / max(old - 1, 1) for new, old in zip(shape, displacement.shape[2:], strict=True)
    ]
    scale = torch.tensor(ratios, dtype=displacement.dtype, device=displacement.device)
    moved = functional.interpolate(
        displacement, size=tuple(shape), mode="trilinear", align_corners=True
    )
    return moved * scale.view(1, 3, 1, 1, 1)
