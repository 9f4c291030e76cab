"""What a detector makes small: the focal loss of classes, the smooth L1 loss of boxes."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def focal_loss(
    logits: Float[Tensor, "*batch"],
    targets: Float[Tensor, "*batch"],
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Float[Tensor, "*batch"]:
    r"""Cross-entropy that heeds what is certain already the less, the more certain it is.

    .. math::
        -α_t (1 - p_t)^γ \log p_t

    with :math:`p_t = p` and :math:`α_t = α` where the target is 1, and :math:`1 - p` and
    :math:`1 - α` where it is 0. Nearly all anchors are background that is easily told: without the
    factor their sum drowns the few that matter.

    Args:
        logits: Logits of p, shape ``(*batch,)``.
        targets: 0 or 1, shape ``(*batch,)``.
        alpha: Weight of what is there, against what is not.
        gamma: How little what is certain counts; 0 makes it cross-entropy.

    Returns:
        Losses in nats, shape ``(*batch,)``.

    Source:
        Lin et al. (2017), eq. 5. https://arxiv.org/abs/1708.02002
    """
    cross_entropy = nn.functional.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )
    # 1 - p_t as a sigmoid of its own: from p it would lose its digits where p is near 1.
    doubt = torch.sigmoid(torch.where(targets > 0, -logits, logits))
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    return weight * doubt**gamma * cross_entropy


def smooth_l1_loss(
    offsets: Float[Tensor, "*batch"], targets: Float[Tensor, "*batch"], *, beta: float = 0.1
) -> Float[Tensor, "*batch"]:
    r"""Half a parabola, :math:`d^2 / 2β`, within β of the target, and :math:`d - β/2` beyond.

    Args:
        offsets: What the network says, shape ``(*batch,)``.
        targets: What it should say, shape ``(*batch,)``.
        beta: Distance where the parabola ends.

    Returns:
        Losses, shape ``(*batch,)``.

    Source:
        Girshick (2015), Fast R-CNN, eq. 3. https://arxiv.org/abs/1504.08083
    """
    return nn.functional.smooth_l1_loss(offsets, targets, reduction="none", beta=beta)
