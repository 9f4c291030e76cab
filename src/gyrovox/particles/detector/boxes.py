"""Boxes in three dimensions: how much they overlap, what is left of many that overlap.

A box is six numbers: its centre (z, y, x) and its sides (z, y, x), in voxels.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor


def intersection_over_union(
    first: Float[Tensor, "n 6"], second: Float[Tensor, "m 6"]
) -> Float[Tensor, "n m"]:
    r"""Volume that two boxes share, over the volume that they fill together.

    Args:
        first: Boxes, shape ``(n, 6)``, in voxels; sides above 0.
        second: Boxes, shape ``(m, 6)``, in voxels; sides above 0.

    Returns:
        Shape ``(n, m)``, from 0 (apart) to 1 (the same).
    """
    low = torch.maximum(_low(first)[:, None], _low(second)[None])
    high = torch.minimum(_high(first)[:, None], _high(second)[None])
    shared = (high - low).clamp(min=0).prod(-1)
    together = first[:, 3:].prod(-1)[:, None] + second[:, 3:].prod(-1)[None] - shared
    return shared / together


def contains(boxes: Float[Tensor, "n 6"], points: Float[Tensor, "m 3"]) -> Bool[Tensor, "n m"]:
    """Whether points lie within boxes.

    Args:
        boxes: Shape ``(n, 6)``, in voxels.
        points: Shape ``(m, 3)``, (z, y, x) in voxels.

    Returns:
        Shape ``(n, m)``; a point on a face lies outside.
    """
    inside = (points[None] > _low(boxes)[:, None]) & (points[None] < _high(boxes)[:, None])
    return inside.all(-1)


def kept_boxes(
    boxes: Float[Tensor, "n 6"],
    scores: Float[Tensor, " n"],
    classes: Int64[Tensor, " n"],
    *,
    overlap: float,
) -> Int64[Tensor, " kept"]:
    """Non-maximum suppression: of boxes of a class that overlap, the one of the highest score.

    Args:
        boxes: Shape ``(n, 6)``, in voxels.
        scores: Shape ``(n,)``; of equal ones, the box that comes first goes first.
        classes: Shape ``(n,)``; boxes of different classes leave each other alone.
        overlap: Intersection over union above which a box goes.

    Returns:
        Indices of the boxes that stay, highest score first.

    Raises:
        ValueError: If `overlap` is not between 0 and 1.
    """
    if not 0 <= overlap <= 1:
        raise ValueError(f"overlap must be between 0 and 1, got {overlap:g}.")
    order = torch.argsort(scores, descending=True, stable=True)
    sorted_boxes, sorted_classes = boxes[order], classes[order]
    alive = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    kept = []
    # A row at a time: the whole matrix of a thousand boxes costs more than the rows of the few
    # that stay.
    for index in range(len(order)):
        if not alive[index]:
            continue
        kept.append(index)
        rest = slice(index + 1, None)
        shared = intersection_over_union(sorted_boxes[index : index + 1], sorted_boxes[rest])[0]
        alive[rest] &= (shared <= overlap) | (sorted_classes[rest] != sorted_classes[index])
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def _low(boxes: Float[Tensor, "n 6"]) -> Float[Tensor, "n 3"]:
    return boxes[:, :3] - boxes[:, 3:] / 2


def _high(boxes: Float[Tensor, "n 6"]) -> Float[Tensor, "n 3"]:
    return boxes[:, :3] + boxes[:, 3:] / 2
