"""One softmax for every level, side by side in the channels of one output."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.quality.comparison.method import Labels, Truth


def class_tensor(truth: Truth, levels: Sequence[int], device: torch.device) -> Tensor:
    """Classes at every level, shape (levels, z, y, x), as floats: so they can be resampled.

    Args:
        truth: Classes by the number of them.
        levels: Numbers of classes, in the order of the channels.
        device: Where to put them.

    Returns:
        Whole numbers in float32.
    """
    stacked = np.stack([np.asarray(truth[k]) for k in levels]).astype(np.float32)
    return torch.from_numpy(stacked).to(device)


def softmax_by_level(logits: Tensor, levels: Sequence[int]) -> Tensor:
    """Probabilities that sum to 1 over the channels of each level.

    Args:
        logits: Shape (batch, sum of the levels, z, y, x).
        levels: Numbers of classes, in the order of the channels.

    Returns:
        The same shape.
    """
    return torch.cat([one.softmax(1) for one in logits.split(tuple(levels), 1)], 1)


def labels_by_level(probabilities: Tensor, levels: Sequence[int]) -> Labels:
    """The likeliest class of every voxel at every level.

    Args:
        probabilities: Shape (sum of the levels, z, y, x).
        levels: Numbers of classes, in the order of the channels.

    Returns:
        Labels (z, y, x) by the number of classes.
    """
    parts = probabilities.split(tuple(levels), 0)
    return {k: one.argmax(0).cpu().numpy() for k, one in zip(levels, parts, strict=True)}


def chosen_levels(labels: Labels, asked: Sequence[int]) -> Labels:
    """The levels that are asked for, of those that were learnt.

    Args:
        labels: At every level that was learnt.
        asked: Numbers of classes.

    Returns:
        In the order of the question.

    Raises:
        ValueError: If a level was not learnt.
    """
    if not set(asked) <= set(labels):
        raise ValueError(
            f"levels must be among those of the truths, {sorted(labels)}, got {list(asked)}. "
            "Fit the method with truths at these levels."
        )
    return {k: labels[k] for k in asked}
