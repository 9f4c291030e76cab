"""Anchors: boxes that the network starts from, which truth they answer for, and the way to it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gyrovox.particles.detector.boxes import contains, intersection_over_union

NEAREST = 9
"""Anchors of each size and level that are candidates for a truth."""

BACKGROUND = -1
"""What an anchor answers for that answers for nothing."""

# Sides that a network can say are within this factor of its anchor's: a wild one is no infinity.
_LARGEST_LOG_SIDE = 3.0


def anchor_boxes(
    shape: tuple[int, int, int], *, stride: int, diameters: Sequence[float]
) -> Float[Tensor, "anchors 6"]:
    """The cubes around the cells of one level of the pyramid.

    Args:
        shape: Cells of the level along (z, y, x). The first one is at the centre of voxel 0, as
            convolutions with stride have it.
        stride: Voxels from a cell to the next.
        diameters: Sides of the cubes around each cell, in voxels.

    Returns:
        Boxes, shape ``(cells * diameters, 6)``, in voxels; those of one cell stand together, in
        the order of `diameters`.
    """
    axes = [torch.arange(count, dtype=torch.float32) * stride for count in shape]
    centres = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 1, 3)
    sides = torch.tensor(diameters, dtype=torch.float32).view(1, -1)
    each = len(diameters)
    return torch.cat(
        [centres.expand(-1, each, 3), sides.unsqueeze(-1).expand(len(centres), each, 3)], dim=-1
    ).reshape(-1, 6)


def encoded(boxes: Float[Tensor, "n 6"], anchors: Float[Tensor, "n 6"]) -> Float[Tensor, "n 6"]:
    r"""What leads from anchors to boxes: :math:`(c - c_a) / s_a` and :math:`\log (s / s_a)`.

    Args:
        boxes: Centres c and sides s, shape ``(n, 6)``, in voxels.
        anchors: Centres and sides, shape ``(n, 6)``, in voxels.

    Returns:
        Offsets, shape ``(n, 6)``, without unit.

    Source:
        Ren et al. (2015), Faster R-CNN, eq. 2. https://arxiv.org/abs/1506.01497
    """
    shift = (boxes[:, :3] - anchors[:, :3]) / anchors[:, 3:]
    return torch.cat([shift, (boxes[:, 3:] / anchors[:, 3:]).log()], dim=-1)


def decoded(offsets: Float[Tensor, "n 6"], anchors: Float[Tensor, "n 6"]) -> Float[Tensor, "n 6"]:
    """The boxes that offsets lead to: the inverse of `encoded`.

    Args:
        offsets: Shape ``(n, 6)``, without unit.
        anchors: Shape ``(n, 6)``, in voxels.

    Returns:
        Boxes, shape ``(n, 6)``, in voxels.
    """
    centres = anchors[:, :3] + offsets[:, :3] * anchors[:, 3:]
    logs = offsets[:, 3:].clamp(-_LARGEST_LOG_SIDE, _LARGEST_LOG_SIDE)
    return torch.cat([centres, anchors[:, 3:] * logs.exp()], dim=-1)


def matched_truths(
    anchors: Float[Tensor, "anchors 6"],
    sizes: Int64[Tensor, " anchors"],
    truths: Float[Tensor, "truths 6"],
    *,
    nearest: int = NEAREST,
) -> Int64[Tensor, " anchors"]:
    """Which truth every anchor answers for: adaptive training sample selection.

    Of each size, the anchors nearest to a truth are its candidates. Those that overlap it by more
    than the mean plus a standard deviation of all candidates' overlaps, and whose centre lies in
    it, answer for it: the threshold finds itself, whether a truth suits the anchors well or not.

    Args:
        anchors: Of all levels, shape ``(anchors, 6)``, in voxels.
        sizes: Number of each anchor's size, shape ``(anchors,)``; sizes of different levels have
            different numbers.
        truths: Shape ``(truths, 6)``, in voxels.
        nearest: Candidates of each size.

    Returns:
        Index of a truth, or `BACKGROUND`, shape ``(anchors,)``. An anchor that could answer for
        several takes the one that it overlaps most; a truth that none would answer for takes the
        anchor that overlaps it most.

    Source:
        Zhang et al. (2020), ATSS, algorithm 1. https://arxiv.org/abs/1912.02424
    """
    answers = torch.full((len(anchors),), BACKGROUND, dtype=torch.int64, device=anchors.device)
    if not len(truths):
        return answers
    overlaps = intersection_over_union(truths, anchors)
    gaps = torch.cdist(truths[:, :3], anchors[:, :3])
    candidates = torch.cat(
        [_nearest_of(gaps, sizes == size, nearest) for size in range(int(sizes.max()) + 1)], dim=1
    )
    of_candidates = overlaps.gather(1, candidates)
    spread = of_candidates.std(dim=1, correction=0)
    threshold = (of_candidates.mean(dim=1) + spread)[:, None]
    fits = torch.zeros_like(overlaps, dtype=torch.bool)
    # Not above: where all candidates overlap alike, the threshold is what each of them has.
    fits.scatter_(1, candidates, of_candidates >= threshold)
    fits &= contains(truths, anchors[:, :3])
    best = overlaps.argmax(dim=1, keepdim=True)
    lonely = ~fits.any(dim=1, keepdim=True)
    fits |= torch.zeros_like(fits).scatter_(1, best, lonely)
    held = torch.where(fits, overlaps, -1.0)
    most, truth = held.max(dim=0)
    return torch.where(most >= 0, truth, answers)


def _nearest_of(
    gaps: Float[Tensor, "truths anchors"], chosen: Tensor, nearest: int
) -> Int64[Tensor, "truths candidates"]:
    """Indices of the chosen anchors that are nearest to each truth."""
    rows = chosen.nonzero()[:, 0]
    order = gaps[:, rows].topk(min(nearest, len(rows)), dim=1, largest=False).indices
    return rows[order]
