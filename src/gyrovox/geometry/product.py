"""Products of a manifold with itself: many codes that are one point."""

import torch
from jaxtyping import Float
from torch import Tensor

from .manifold import Manifold


def product_distance(
    manifold: Manifold,
    u: Float[Tensor, "*#batch factors dim"],
    w: Float[Tensor, "*#batch factors dim"],
) -> Float[Tensor, "*batch"]:
    r"""Length of the geodesic between points of the product of a manifold with itself.

    .. math:: d(u, w)^2 = \sum_m d(u_m, w_m)^2

    A geodesic of the product is one geodesic in every factor, all of them walked at constant speed
    in the same time.

    Args:
        manifold: Space of every factor.
        u: Codes, one for each factor, shape ``(*batch, factors, dim)``.
        w: Codes, one for each factor, shape ``(*batch, factors, dim)``.

    Returns:
        Distances ≥ 0, shape ``(*batch,)``; with one factor those of the manifold. Their gradient
        is 0 in every factor whose codes are equal.

    Source:
        The product metric of Riemannian manifolds; Gu, Sala, Gunel & Ré (2019).
        https://openreview.net/forum?id=HJxeWnCcF7
    """
    # The norm, not the root of a sum of squares: its slope where all codes are equal is 0.
    distance: Tensor = torch.linalg.vector_norm(manifold.code_distance(u, w), dim=-1)
    return distance
