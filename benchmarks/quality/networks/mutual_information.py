"""Mutual information of the classes of neighbouring voxels in two views of them."""

import itertools
from collections.abc import Iterator

import torch

from benchmarks.quality.networks.crop_source import Sides


def shifted_pairs(
    first: torch.Tensor, second: torch.Tensor, most: Sides
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The inner part of a view, and the other view at each small shift from there.

    Args:
        first: Shape (batch, channels, z, y, x).
        second: Same shape, same place in every voxel.
        most: Largest shift along each axis (z, y, x).

    Yields:
        Both parts, of one shape that is smaller than that of the views by twice the shifts.
    """
    inner = [side - 2 * shift for side, shift in zip(first.shape[2:], most, strict=True)]
    fixed = _part(first, most, inner)
    for start in itertools.product(*(range(2 * shift + 1) for shift in most)):
        yield fixed, _part(second, start, inner)


def joint_probabilities(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """How often a class of the first view meets a class of the second, made symmetric.

    Args:
        first: Probabilities of classes, shape (batch, heads, classes, z, y, x).
        second: Same shape.

    Returns:
        Joint probabilities, shape (heads, classes, classes); each head's sum to 1.

    Source:
        Ji, Henriques & Vedaldi (2019), section 3.1. https://arxiv.org/abs/1807.06653
    """
    one, other = (
        view.permute(1, 2, 0, 3, 4, 5).flatten(2)  # (heads, classes, points)
        for view in (first, second)
    )
    joint = one @ other.transpose(1, 2)
    joint = (joint + joint.transpose(1, 2)) / 2
    return joint / joint.sum((1, 2), keepdim=True)


def negative_information(joint: torch.Tensor, *, entropy_weight: float = 1.0) -> torch.Tensor:
    r"""Mutual information of joint probabilities, negated so that it is a loss.

    .. math::
        -Σ_{cc'} P_{cc'} (\ln P_{cc'} - λ \ln P_c - λ \ln P_{c'})

    Args:
        joint: Shape (heads, classes, classes), sums to 1.
        entropy_weight: λ; 1 is mutual information, more favours classes that are equally frequent.

    Returns:
        One number for each head, in nats; at least -ln(classes) for λ = 1.

    Source:
        Ji, Henriques & Vedaldi (2019), section 3.1; λ is of their published settings.
        https://arxiv.org/abs/1807.06653
    """
    # Classes that never occur would be 0 · ln 0.
    joint = joint.clamp_min(torch.finfo(joint.dtype).eps)
    rows = joint.sum(2, keepdim=True).log()
    columns = joint.sum(1, keepdim=True).log()
    return -(joint * (joint.log() - entropy_weight * (rows + columns))).sum((1, 2))


def _part(view: torch.Tensor, start: tuple[int, ...], sides: list[int]) -> torch.Tensor:
    """A block of a view's last three axes."""
    for axis, (at, side) in enumerate(zip(start, sides, strict=True)):
        view = view.narrow(2 + axis, at, side)
    return view
