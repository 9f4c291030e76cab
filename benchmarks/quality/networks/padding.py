"""Sides that a network can halve as often as it wants to."""

from torch import Tensor
from torch.nn import functional


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """The image with its last voxels repeated, so that every side is a multiple.

    Args:
        image: Shape (batch, channels, z, y, x).
        multiple: Of what.

    Returns:
        Nothing changes before the old ends: crop to get the image back.
    """
    missing = [-side % multiple for side in image.shape[2:]]
    if not any(missing):
        return image
    ends = [amount for gap in reversed(missing) for amount in (0, gap)]
    return functional.pad(image, ends, mode="replicate")
