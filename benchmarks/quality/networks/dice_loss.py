"""The soft Dice loss, of one softmax for every level."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

_SMALL = 1e-5  # keeps a class that neither side has at a loss of 0


def dice_loss(probabilities: Tensor, classes: Tensor, levels: Sequence[int]) -> Tensor:
    r"""One minus the soft Dice of every class, mean over classes and levels.

    .. math:: 1 - \frac{2 \sum p g + ε}{\sum p^2 + \sum g^2 + ε}

    Args:
        probabilities: p, shape (batch, sum of the levels, z, y, x).
        classes: 0 to the number of them - 1, shape (batch, levels, z, y, x).
        levels: Numbers of classes.

    Returns:
        A scalar, 0 to 1.

    Source:
        Milletari, Navab & Ahmadi (2016), section 3. https://arxiv.org/abs/1606.04797
    """
    losses = []
    for channel, part in enumerate(probabilities.split(tuple(levels), 1)):
        one_hot = functional.one_hot(classes[:, channel].long(), part.shape[1])
        truth = one_hot.movedim(-1, 1).to(part.dtype)
        # Over the whole batch: a class in one crop of it alone does not count as missed in others.
        shared = (part * truth).sum((0, 2, 3, 4))
        size = (part.square() + truth).sum((0, 2, 3, 4))
        losses.append((1 - (2 * shared + _SMALL) / (size + _SMALL)).mean())
    return torch.stack(losses).mean()
