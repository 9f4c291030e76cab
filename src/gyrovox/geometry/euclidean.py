"""The Euclidean control: the limit κ → 0 of `gyrovox.geometry.poincare`, name for name.

The limit of the ball's metric λ² I is 4 I, not I: the conformal factor stays 2, so the distance of
two points is twice the length of their difference. With that, every statement "the curvature goes
to 0" holds exactly, factor for factor.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .weights import normalised_weights


def conformal_factor(x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
    """Length of a unit coordinate vector: 2 everywhere.

    Args:
        x: Points, shape ``(*batch, dim)``.

    Returns:
        2, shape ``(*batch,)``.
    """
    return torch.full_like(x[..., 0], 2.0)


def mobius_add(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """The sum x + y.

    Args:
        x: Points, shape ``(*batch, dim)``.
        y: Points, shape ``(*batch, dim)``.

    Returns:
        Points, shape ``(*batch, dim)``.
    """
    return x + y


def mobius_multiply(
    factor: float | Float[Tensor, "*#batch"], x: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """The point ``factor`` times as far out on the same ray.

    Args:
        factor: Real multiples, one number or shape ``(*batch,)``.
        x: Points, shape ``(*batch, dim)``.

    Returns:
        Points, shape ``(*batch, dim)``.
    """
    if isinstance(factor, Tensor):
        factor = factor.unsqueeze(-1)
    return factor * x


def exp_origin(u: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """Point reached from the origin along a tangent vector: the vector itself.

    Args:
        u: Tangent vectors at the origin (codes), shape ``(*batch, dim)``.

    Returns:
        Points, shape ``(*batch, dim)``.
    """
    return u


def log_origin(x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at the origin that leads to a point: the point itself.

    Args:
        x: Points, shape ``(*batch, dim)``.

    Returns:
        Codes, shape ``(*batch, dim)``.
    """
    return x


def exp(
    x: Float[Tensor, "*#batch dim"], v: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """Point reached from a point along a tangent vector: x + v.

    Args:
        x: Points, shape ``(*batch, dim)``.
        v: Tangent vectors at them, shape ``(*batch, dim)``.

    Returns:
        Points, shape ``(*batch, dim)``.
    """
    return x + v


def log(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at x that leads to y: y − x.

    Args:
        x: Points, shape ``(*batch, dim)``.
        y: Points, shape ``(*batch, dim)``.

    Returns:
        Tangent vectors at x, shape ``(*batch, dim)``.
    """
    return y - x


def distance(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch"]:
    """Length of the segment between two points in the metric 4 I: 2‖x − y‖.

    Args:
        x: Points, shape ``(*batch, dim)``.
        y: Points, shape ``(*batch, dim)``.

    Returns:
        Distances ≥ 0, shape ``(*batch,)``.
    """
    length: Tensor = torch.linalg.vector_norm(x - y, dim=-1)
    return 2 * length


def geodesic(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    time: float | Float[Tensor, "*#batch"],
) -> Float[Tensor, "*batch dim"]:
    """Point at a fraction of the way from x to y: x + t (y − x).

    Args:
        x: Points at time 0, shape ``(*batch, dim)``.
        y: Points at time 1, shape ``(*batch, dim)``.
        time: Fractions t of the distance, one number or shape ``(*batch,)``.

    Returns:
        Points, shape ``(*batch, dim)``.
    """
    if isinstance(time, Tensor):
        time = time.unsqueeze(-1)
    return x + time * (y - x)


def parallel_transport(
    v: Float[Tensor, "*#batch dim"],
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at x, carried to y: unchanged.

    Args:
        v: Tangent vectors at x, shape ``(*batch, dim)``.
        x: Points, shape ``(*batch, dim)``.
        y: Points, shape ``(*batch, dim)``.

    Returns:
        Tangent vectors at y, shape ``(*batch, dim)``.
    """
    carried: Tensor = torch.broadcast_tensors(v, x, y)[0]  # type: ignore[no-untyped-call]
    return carried


def frechet_mean(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None = None,
) -> Float[Tensor, "*batch dim"]:
    """Weighted average of codes ``(*batch, points, dim)``, computed in float64.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights w ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.

    Returns:
        Codes of the means, shape ``(*batch, dim)``, in the dtype of the codes.
    """
    shares = normalised_weights(codes, weights).unsqueeze(-1)
    return (shares * codes.double()).sum(-2).to(codes.dtype)
