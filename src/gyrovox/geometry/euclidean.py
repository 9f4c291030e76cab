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
    """Length of a unit coordinate vector: 2 everywhere, shape ``(*batch,)``."""
    return torch.full_like(x[..., 0], 2.0)


def mobius_add(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """The sum x + y of points ``(*batch, dim)``."""
    return x + y


def mobius_multiply(
    factor: float | Float[Tensor, "*#batch"], x: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """The multiple of points ``(*batch, dim)`` by one number or ``(*batch,)`` of them."""
    if isinstance(factor, Tensor):
        factor = factor.unsqueeze(-1)
    return factor * x


def exp_origin(u: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """Point reached from the origin along tangent vectors ``(*batch, dim)``: the vector itself."""
    return u


def log_origin(x: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at the origin that leads to points ``(*batch, dim)``: the point itself."""
    return x


def exp(
    x: Float[Tensor, "*#batch dim"], v: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """Point reached from points x along tangent vectors v, both ``(*batch, dim)``: x + v."""
    return x + v


def log(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at x that leads to y, both ``(*batch, dim)``: y − x."""
    return y - x


def distance(
    x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
) -> Float[Tensor, "*batch"]:
    """Length of the segment between points ``(*batch, dim)`` in the metric 4 I: 2‖x − y‖."""
    length: Tensor = torch.linalg.vector_norm(x - y, dim=-1)
    return 2 * length


def geodesic(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    time: float | Float[Tensor, "*#batch"],
) -> Float[Tensor, "*batch dim"]:
    """Point at a fraction of the way from x to y, ``(*batch, dim)``: x + t (y − x)."""
    if isinstance(time, Tensor):
        time = time.unsqueeze(-1)
    return x + time * (y - x)


def parallel_transport(
    v: Float[Tensor, "*#batch dim"],
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
) -> Float[Tensor, "*batch dim"]:
    """Tangent vector at x, carried to y: unchanged, shape ``(*batch, dim)``."""
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
