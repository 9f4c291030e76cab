r"""Fréchet means of the hyperbolic space: a weighted Lorentz centroid, taken until it settles."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.errors import GyrovoxError

from .codes import add
from .curvature import Curvature, in_double, root_of
from .midpoint import centroid, differentiable_once
from .radial import log_sinh_ratio, tanh_ratio
from .weights import normalised_weights


class MeanConvergenceError(GyrovoxError, ArithmeticError):
    """The iteration for a Fréchet mean did not settle in the steps it was allowed."""


@dataclass(frozen=True, kw_only=True)
class MeanReport:
    """Fréchet means, and how the iteration came to them."""

    mean: Float[Tensor, "*batch dim"]
    """Codes of the means."""

    steps: int
    """Steps made, the same for all means of a batch."""

    movement: Float[Tensor, "*batch"]
    """How far each mean moved in the last step, in units of 1 / √−κ."""

    converged: bool
    """Whether no mean moved farther than the tolerance."""


def frechet_mean(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None = None,
    *,
    curvature: Curvature = -1.0,
    tolerance: float | None = 1e-10,
    max_steps: int = 1000,
) -> Float[Tensor, "*batch dim"]:
    r"""Code of the point with the least weighted sum of squared distances to the points of codes.

    .. math::
        M \leftarrow \operatorname{normalise} \sum_i w_i \frac{D_i}{\sinh D_i} L_i,
        \quad D_i = \sqrt{-κ} \, d(M, x_i)

    with L the points on the hyperboloid. The first M has all D_i / sinh D_i = 1 (the Einstein
    midpoint); every step lowers the sum, so there is no step size. Computed in float64.
    Differentiable once in codes, weights and curvature, by the implicit function theorem.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights w ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.
        curvature: Sectional curvature κ < 0, in 1 / length².
        tolerance: Steps end when no mean moves farther than this, in units of 1 / √−κ. If None,
            exactly ``max_steps`` steps are made and nothing is checked, and ``torch.compile``
            finds no branch: the error shrinks about 17-fold a step for points within 1 / √−κ.
        max_steps: Steps allowed.

    Returns:
        Codes of the means, shape ``(*batch, dim)``, in the dtype of the codes.

    Raises:
        MeanConvergenceError: If ``max_steps`` steps do not reach the tolerance.
        ValueError: If ``curvature`` is not negative and finite, or weights cannot be used.

    Source:
        Lou et al. (2020), algorithm 1, as a Lorentz centroid; that its gradient is had by implicit
        differentiation is theirs too. https://arxiv.org/abs/2003.00335
    """
    mean, _, movement, converged = _settle(codes, weights, curvature, tolerance, max_steps)
    if tolerance is not None and not converged:
        raise MeanConvergenceError(
            f"the Fréchet mean must settle to {tolerance:g} within max_steps={max_steps}, and "
            f"still moves by {float(movement.max()):.3g}. Raise max_steps, or look for codes far "
            f"from all others: the longest has length {float(codes.norm(dim=-1).max()):.3g}."
        )
    return mean


def frechet_mean_report(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None = None,
    *,
    curvature: Curvature = -1.0,
    tolerance: float = 1e-10,
    max_steps: int = 1000,
) -> MeanReport:
    """`frechet_mean` with the number of steps and the last movement, and without its error.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights w ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.
        curvature: Sectional curvature κ < 0, in 1 / length².
        tolerance: Steps end when no mean moves farther than this, in units of 1 / √−κ.
        max_steps: Steps allowed.

    Returns:
        The means and how they were found.

    Raises:
        ValueError: As `frechet_mean`.
    """
    mean, steps, movement, converged = _settle(codes, weights, curvature, tolerance, max_steps)
    return MeanReport(mean=mean, steps=steps, movement=movement, converged=converged)


def _settle(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None,
    curvature: Curvature,
    tolerance: float | None,
    max_steps: int,
) -> tuple[Float[Tensor, "*batch dim"], int, Float[Tensor, "*batch"], bool]:
    """Means, steps made, last movements, and whether these are within the tolerance."""
    root_of(curvature)
    kappa = in_double(curvature)
    shares = normalised_weights(codes, weights)
    with torch.no_grad():
        base, steps, movement, converged = _iterate(
            codes.double(), shares, kappa, tolerance, max_steps
        )
    if isinstance(kappa, Tensor):
        kappa = differentiable_once(kappa)
    mean = _newton(base, differentiable_once(codes.double()), differentiable_once(shares), kappa)
    return mean.to(codes.dtype), steps, movement, converged


def _iterate(
    points: Float[Tensor, "*batch points dim"],
    shares: Float[Tensor, "*#batch points"],
    curvature: Curvature,
    tolerance: float | None,
    max_steps: int,
) -> tuple[Float[Tensor, "*batch dim"], int, Float[Tensor, "*batch"], bool]:
    """The centroid, again and again, each time in the coordinates of the last one.

    There the distances are the lengths of codes, and the centroid is no small difference of large
    numbers, however far out the points are.
    """
    root = root_of(curvature)
    mean = centroid(points, shares, root)
    movement = torch.full_like(mean[..., 0], torch.inf)
    for step in range(1, max_steps + 1):
        seen = add(-mean.unsqueeze(-2), points, curvature=curvature)
        apart = 2 * root * torch.linalg.vector_norm(seen, dim=-1)
        way = centroid(seen, shares, root, log_factor=-log_sinh_ratio(apart))
        mean = add(mean, way, curvature=curvature)
        movement = 2 * root * torch.linalg.vector_norm(way, dim=-1)
        if tolerance is not None:
            # Codes far out carry rounding of their own, hence the second term.
            rounding = 4e-16 * torch.exp(2 * root * torch.linalg.vector_norm(mean, dim=-1))
            if bool((movement <= tolerance + rounding).all()):
                return mean, step, movement, True
    return mean, max_steps, movement, False


def _newton(
    base: Float[Tensor, "*batch dim"],
    points: Float[Tensor, "*batch points dim"],
    shares: Float[Tensor, "*#batch points"],
    curvature: Curvature,
) -> Float[Tensor, "*batch dim"]:
    r"""One Newton step from the settled mean, which has the derivatives of the mean.

    Where Σ w v = 0 holds of the codes v of the points seen from the mean, the derivative of a
    Newton step in the mean is 0: what it says of points, weights and curvature is all there is.
    """
    root = root_of(curvature)
    seen = add(-base.unsqueeze(-2), points, curvature=curvature)
    pull = (shares.unsqueeze(-1) * seen).sum(-2)
    with torch.no_grad():
        # Half the Hessian of Σ w d²: w along the geodesic to a point, w D coth D across it.
        length = torch.linalg.vector_norm(seen, dim=-1)
        across = 1 / tanh_ratio(2 * root * length)
        least = torch.finfo(length.dtype).tiny ** 0.5
        bent = (shares * (1 - across) / length.clamp_min(least).square()).unsqueeze(-1)
        upright = torch.eye(base.shape[-1], dtype=base.dtype, device=base.device)
        hessian = (bent * seen).mT @ seen + (shares * across).sum(-1)[..., None, None] * upright
    step = torch.linalg.solve(hessian, pull)
    return add(base, step, curvature=curvature)
