"""A network over a volume of any size: tile by tile, blended where tiles overlap."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor


@torch.no_grad()
def tiled(
    network: Callable[[Tensor], Tensor], image: Tensor, *, side: int, overlap: int = 16
) -> Tensor:
    """The output of a network over a whole volume.

    A voxel in several tiles takes the mean of them, weighted by how far it is from their faces.

    Args:
        network: (1, channels, z, y, x) -> (1, outputs, z, y, x); probabilities, not logits.
        image: Shape (channels, z, y, x); one tile if no side of it is larger than a tile's.
        side: Of a tile, in voxels: that of the crops that it learnt from, where it normalises by
            the statistics of what it sees.
        overlap: The least of neighbouring tiles.

    Returns:
        Shape (outputs, z, y, x).
    """
    shape = image.shape[1:]
    if max(shape) <= side:
        return network(image[None])[0]
    tile = [min(side, length) for length in shape]
    starts = [_starts(length, one, overlap) for length, one in zip(shape, tile, strict=True)]
    weight = _weight(tile).to(image.device)
    total = torch.zeros(shape, device=image.device)
    blended: Tensor | None = None
    for corner in itertools.product(*starts):
        where = tuple(slice(first, first + one) for first, one in zip(corner, tile, strict=True))
        output = network(image[(slice(None), *where)][None])[0]
        if blended is None:
            blended = torch.zeros((len(output), *shape), device=image.device)
        blended[(slice(None), *where)] += weight * output
        total[where] += weight
    assert blended is not None
    return blended / total


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Evenly spread first voxels of the tiles along one axis."""
    gaps = 0 if tile == length else -(-(length - tile) // max(tile - overlap, 1))
    return [int(one) for one in np.linspace(0, length - tile, gaps + 1).round()]


def _weight(tile: Sequence[int]) -> Tensor:
    """A pyramid: 1 in the first layer of voxels, one more with every layer, along each axis."""
    ramps = [
        torch.minimum(torch.arange(1, one + 1), torch.arange(one, 0, -1)).float() for one in tile
    ]
    return torch.einsum("i,j,k->ijk", *ramps)
