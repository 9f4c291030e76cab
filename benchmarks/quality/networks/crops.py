"""Where the boxes lie that a network learns from."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume


def image_tensor(volume: Volume, device: torch.device) -> Tensor:
    """A normalised volume, shape (channels, z, y, x), on a device."""
    return torch.from_numpy(normalised(volume)).to(device)


def crop_shape(images: Sequence[Tensor], side: int) -> tuple[int, int, int]:
    """The largest box up to a cube that fits into every image.

    Args:
        images: Each (channels, z, y, x).
        side: Of the cube.

    Returns:
        Voxels along (z, y, x).
    """
    z, y, x = (min(side, *(image.shape[axis] for image in images)) for axis in (1, 2, 3))
    return z, y, x


def crop_start(
    shape: Sequence[int],
    crop: Sequence[int],
    chance: np.random.Generator,
    *,
    around: Sequence[int] | None = None,
) -> tuple[int, int, int]:
    """A random first voxel of a box that lies in a volume.

    Args:
        shape: Of the volume, (z, y, x).
        crop: Shape of the box; not larger.
        chance: To draw from.
        around: A voxel that must lie in the box; None for any box.

    Returns:
        Uniform among the starts that there are.
    """
    starts = []
    for axis, (side, length) in enumerate(zip(shape, crop, strict=True)):
        low, high = 0, side - length
        if around is not None:
            low, high = max(low, around[axis] - length + 1), min(high, around[axis])
        starts.append(int(chance.integers(low, high + 1)))
    z, y, x = starts
    return z, y, x


def cropped(image: Tensor, start: Sequence[int], crop: Sequence[int]) -> Tensor:
    """A box of the last three axes."""
    z, y, x = (slice(first, first + length) for first, length in zip(start, crop, strict=True))
    return image[..., z, y, x]


def cut_to(image: Tensor, shape: Sequence[int]) -> Tensor:
    """The first voxels of the last three axes: where an odd side was halved upwards."""
    return cropped(image, (0, 0, 0), shape)
