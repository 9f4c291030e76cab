"""Weights of points, checked once for every manifold."""

import torch
from jaxtyping import Float
from torch import Tensor


def normalised_weights(
    codes: Float[Tensor, "*batch points dim"], weights: Float[Tensor, "*#batch points"] | None
) -> Float[Tensor, "*batch points"]:
    """Weights in float64 that add up to 1 over the points.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.

    Returns:
        Shares of the points, differentiable, shape ``(*batch, points)``. Inside a graph of
        ``torch.compile`` the values of the weights are not looked at.

    Raises:
        ValueError: If there is no point, or weights are negative, not finite or all 0.
    """
    shape = codes.shape[:-1]
    if shape[-1] == 0:
        raise ValueError(
            f"a mean needs at least one point, and the codes have shape {tuple(codes.shape)} "
            f"(..., points, dim). Leave empty sets out."
        )
    if weights is None:
        return torch.full(shape, 1 / shape[-1], dtype=torch.float64, device=codes.device)
    weights = weights.double()
    total = weights.sum(-1, keepdim=True)
    if not torch.compiler.is_compiling() and not _weigh(weights, total):
        raise ValueError(
            f"weights must be finite, not negative and not all 0 in a set, and range from "
            f"{float(weights.min()):g} to {float(weights.max()):g}. Drop or clip the bad ones."
        )
    return (weights / total).expand(shape)


def _weigh(weights: Float[Tensor, "*batch points"], total: Float[Tensor, "*batch 1"]) -> bool:
    """Whether weights are finite, not negative and not all 0 in a set."""
    return bool(((weights >= 0) & weights.isfinite()).all() & (total > 0).all())
