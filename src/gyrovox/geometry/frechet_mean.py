r"""Fréchet means of the hyperbolic space, as fixed points of a weighted Lorentz centroid."""

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.errors import GyrovoxError

from .codes import distance
from .curvature import root_of
from .radial import asinh_ratio, exp_half_ratio, log_sinh_ratio
from .weights import normalised_weights


class MeanConvergenceError(GyrovoxError, ArithmeticError):
    """The iteration for a Fréchet mean did not settle in the steps it was allowed."""


def frechet_mean(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None = None,
    *,
    curvature: float = -1.0,
    tolerance: float = 1e-10,
    max_steps: int = 1000,
) -> Float[Tensor, "*batch dim"]:
    r"""Code of the point with the least weighted sum of squared distances to the points of codes.

    .. math::
        M \leftarrow \operatorname{normalise} \sum_i w_i \frac{D_i}{\sinh D_i} L_i,
        \quad D_i = \sqrt{-κ} \, d(M, x_i)

    with L the points on the hyperboloid. The first M has all D_i / sinh D_i = 1 (the Einstein
    midpoint); every step lowers the sum, so there is no step size. Computed in float64, without
    gradient.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights w ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.
        curvature: Sectional curvature κ < 0, in 1 / length².
        tolerance: Steps end when no mean moves farther than this, in units of 1 / √−κ.
        max_steps: Steps allowed.

    Returns:
        Codes of the means, shape ``(*batch, dim)``, in the dtype of the codes.

    Raises:
        MeanConvergenceError: If ``max_steps`` steps do not reach the tolerance.

    Source:
        Lou et al. (2020), algorithm 1, as a Lorentz centroid. https://arxiv.org/abs/2003.00335
    """
    root = root_of(curvature)
    points = codes.detach().double() * root
    log_weights = torch.log(normalised_weights(points, weights))
    mean = _centroid(points, log_weights)
    for _ in range(max_steps):
        apart = distance(mean.unsqueeze(-2), points)
        last, mean = mean, _centroid(points, log_weights - log_sinh_ratio(apart))
        # Codes far out carry rounding of their own, hence the second term.
        moved = distance(last, mean)
        allowed = tolerance + 4e-16 * torch.exp(2 * torch.linalg.vector_norm(mean, dim=-1))
        if bool((moved <= allowed).all()):
            return (mean / root).to(codes.dtype)
    raise MeanConvergenceError(
        f"the Fréchet mean must settle to {tolerance:g} within max_steps={max_steps}, and still "
        f"moves by {float(moved.max()):.3g}. Raise max_steps, or look for codes far from all "
        f"others: the longest has length {float(codes.norm(dim=-1).max()):.3g}."
    )


def _centroid(
    points: Float[Tensor, "*batch points dim"], log_weights: Float[Tensor, "*batch points"]
) -> Float[Tensor, "*batch dim"]:
    """Code of the Lorentz centroid, curvature −1: Σ w L over its Lorentz norm."""
    radius = 2 * torch.linalg.vector_norm(points, dim=-1)
    # e^radius goes into the weight, so that points too far for cosh to hold still count.
    log_total = log_weights + radius
    heavy = torch.exp(log_total - log_total.amax(-1, keepdim=True)).unsqueeze(-1)
    radius = radius.unsqueeze(-1)
    space = (heavy * 4 * exp_half_ratio(2 * radius) * points).sum(-2)
    time = (heavy * (1 + torch.exp(-2 * radius)) / 2).sum(-2)
    size: Tensor = torch.linalg.vector_norm(space, dim=-1, keepdim=True)
    # ‖space‖ < time up to rounding; all that a code needs is their ratio, tanh of the radius.
    room = ((time - size) * (time + size)).clamp_min(torch.finfo(time.dtype).tiny).sqrt()
    return asinh_ratio(size / room) * (space / room) / 2
