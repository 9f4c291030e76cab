"""Sides that a network can halve as often as it wants to."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """The image with its outermost voxels repeated, so that every side is a multiple.

    Args:
        image: Shape (batch, channels, z, y, x).
        multiple: Of what.

    Returns:
        As much is added before as behind, or one voxel less: networks learn how far things are
        from the faces.
    """
    missing = [-side % multiple for side in image.shape[2:]]
    if not any(missing):
        return image
    ends = [amount for gap in reversed(missing) for amount in (gap // 2, gap - gap // 2)]
    return functional.pad(image, ends, mode="replicate")


def unpadded(image: Tensor, shape: Sequence[int]) -> Tensor:
    """What `pad_to_multiple` was given, or what a network made of it.

    Args:
        image: Shape (batch, channels, z, y, x).
        shape: Of the last three axes before padding.

    Returns:
        Shape (batch, channels, *shape).
    """
    z, y, x = (
        slice((padded - side) // 2, (padded - side) // 2 + side)
        for padded, side in zip(image.shape[2:], shape, strict=True)
    )
    return image[..., z, y, x]
