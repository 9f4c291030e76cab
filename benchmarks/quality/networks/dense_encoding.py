"""What a network of unpadded convolutions says at every voxel of a volume, tile by tile."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.quality.networks.crop_source import Sides, padded

_TILE = 48  # voxels along a side: some 100 MB of features of a network of 32 channels


def at_every_voxel(
    network: Callable[[torch.Tensor], torch.Tensor],
    voxels: NDArray[np.float32],
    field: Sides,
    device: torch.device,
    *,
    tile: int = _TILE,
) -> NDArray[np.float32]:
    """Run a network over a volume that is reflected at its faces.

    Args:
        network: Voxels (1, channels, z, y, x) -> features (1, features, z', y', x'), smaller by its
            field - 1.
        voxels: Normalised, shape (channels, z, y, x).
        field: Voxels that one output sees (z, y, x), all odd.
        device: Where the network is.
        tile: Voxels along the sides of what is computed at once; does not alter the result.

    Returns:
        Features of every voxel, shape (features, z, y, x).
    """
    around = torch.from_numpy(padded(voxels, field))
    shape = voxels.shape[1:]
    features: NDArray[np.float32] | None = None
    with torch.inference_mode():
        for corner, end in _tiles(shape, tile):
            seen = around[
                :,
                corner[0] : end[0] + field[0] - 1,
                corner[1] : end[1] + field[1] - 1,
                corner[2] : end[2] + field[2] - 1,
            ]
            there = network(seen[None].to(device))[0].cpu().numpy()
            if features is None:
                features = np.empty((len(there), *shape), np.float32)
            features[:, corner[0] : end[0], corner[1] : end[1], corner[2] : end[2]] = there
    assert features is not None
    return features


def as_points(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (features, z, y, x) as one point a voxel (voxels, features)."""
    return np.ascontiguousarray(features.reshape(len(features), -1).T)


def _tiles(shape: Sides, tile: int) -> Iterator[tuple[Sides, Sides]]:
    """First voxels, and those after the last, of the tiles of a volume."""
    starts = [range(0, side, tile) for side in shape]
    for z in starts[0]:
        for y in starts[1]:
            for x in starts[2]:
                corner = (z, y, x)
                end = tuple(min(at + tile, side) for at, side in zip(corner, shape, strict=True))
                yield corner, end
