"""Parent, child and stranger: the cubes from which a hierarchy is learned without labels.

A child lies inside its parent, a stranger is as large as the child and does not overlap the
parent. Source: Hsu et al. (2021), section 3.3. https://arxiv.org/abs/2012.01644
"""

import math
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gyrovox.settings import ScaleSampling


@final
@dataclass(frozen=True)
class Cubes:
    """Cubes inside a volume, in voxels.

    Args:
        start: Lower corner along (z, y, x), shape ``(cubes, 3)``.
        side: Length of the sides, shape ``(cubes,)``.
    """

    start: Float[Tensor, "cubes 3"]
    side: Float[Tensor, "cubes"]

    def overlaps(self, other: "Cubes") -> Bool[Tensor, "cubes"]:
        """Whether each cube shares volume with the cube of the same row in ``other``."""
        low = torch.maximum(self.start, other.start)
        high = torch.minimum(self.start + self.side[:, None], other.start + other.side[:, None])
        return (high > low).all(dim=-1)


@final
@dataclass(frozen=True)
class Triplets:
    """Cubes in three roles, row by row."""

    parent: Cubes
    child: Cubes
    stranger: Cubes


@final
@dataclass(frozen=True, kw_only=True)
class TripletSizes:
    """How large the cubes are, in voxels.

    Args:
        parent: Smallest and largest side of a parent.
        child: Smallest and largest side of a child.
        gap: How much smaller than its parent a child is at least.
        sampling: How a parent's side is distributed between its limits.
    """

    parent: tuple[float, float]
    child: tuple[float, float]
    gap: float
    sampling: ScaleSampling


def sample_triplets(
    shape: tuple[int, int, int], count: int, sizes: TripletSizes, *, generator: torch.Generator
) -> Triplets:
    """Draw triplets of cubes with sides and places that are real numbers.

    A parent's side is uniform or log-uniform, at most half the shortest axis so that strangers
    have room; a child's is uniform between its limits, and less than its parent's by the gap.

    Args:
        shape: Voxels of the volume along (z, y, x).
        count: Number of draws.
        sizes: How large the cubes are, in voxels.
        generator: Where the random numbers come from.

    Returns:
        Those of the ``count`` draws whose stranger does not overlap its parent.

    Raises:
        ValueError: If the volume has no room for the smallest parent and a stranger.
    """
    low, high = sizes.parent[0], min(sizes.parent[1], min(shape) / 2)
    if high < low:
        raise ValueError(
            f"the volume must be at least {2 * low:g} voxels along every axis, so that the "
            f"smallest parent and a stranger fit side by side, and has shape {shape} (z, y, x)."
        )

    def uniform(*size: int) -> Tensor:
        return torch.rand(*size, generator=generator)

    if sizes.sampling == "uniform":
        parent_side = low + (high - low) * uniform(count)
    else:
        parent_side = low * torch.exp(math.log(high / low) * uniform(count))
    limit = torch.minimum(parent_side - sizes.gap, torch.tensor(sizes.child[1]))
    child_side = sizes.child[0] + (limit - sizes.child[0]) * uniform(count)
    extent = torch.tensor(shape, dtype=torch.float32)
    parent = Cubes((extent - parent_side[:, None]) * uniform(count, 3), parent_side)
    inside = (parent_side - child_side)[:, None] * uniform(count, 3)
    child = Cubes(parent.start + inside, child_side)
    stranger = Cubes((extent - child_side[:, None]) * uniform(count, 3), child_side)
    apart = ~stranger.overlaps(parent)
    return Triplets(
        *(Cubes(role.start[apart], role.side[apart]) for role in (parent, child, stranger))
    )


def resize_cubes(
    voxels: Float[Tensor, "channels z y x"], cubes: Cubes, size: int
) -> Float[Tensor, "cubes channels size size size"]:
    """Cut cubes out and bring them to ``size`` voxels a side, by linear interpolation.

    Args:
        voxels: Shape ``(channels, z, y, x)``.
        cubes: Where to cut, in voxels; voxel i fills the interval from i to i + 1.
        size: Side of the result, in voxels.

    Returns:
        Shape ``(cubes, channels, size, size, size)``.
    """
    count = len(cubes.side)
    steps = (torch.arange(size, dtype=torch.float32) + 0.5) / size
    extent = torch.tensor(voxels.shape[1:], dtype=torch.float32)
    place = cubes.start[:, None] + cubes.side[:, None, None] * steps[None, :, None]
    # grid_sample has the volume's faces at -1 and 1 (align_corners=False), and axes x, y, z.
    z, y, x = (2 * place / extent - 1).unbind(-1)
    grid = torch.stack(
        [
            x[:, None, None, :].expand(count, size, size, size),
            y[:, None, :, None].expand(count, size, size, size),
            z[:, :, None, None].expand(count, size, size, size),
        ],
        dim=-1,
    )
    # One long volume of all cubes: expanding the input for every cube would copy its gradient path.
    flat = grid.reshape(1, count * size, size, size, 3).to(voxels)
    cut = torch.nn.functional.grid_sample(
        voxels[None], flat, mode="bilinear", padding_mode="border", align_corners=False
    )
    return cut[0].reshape(len(voxels), count, size, size, size).transpose(0, 1)
