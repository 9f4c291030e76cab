"""The Einstein midpoint: the mean that needs no iteration, and where the other one starts."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from .codes import add
from .curvature import Curvature, in_double, root_of
from .radial import asinh_ratio, exp_half_ratio
from .weights import normalised_weights

# A point without weight, farther out than all others by this, would still overflow.
_LARGEST_EXPONENT = 700.0


def einstein_midpoint(
    codes: Float[Tensor, "*batch points dim"],
    weights: Float[Tensor, "*#batch points"] | None = None,
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Code of the weighted centroid of the points of codes on the hyperboloid.

    .. math::
        M = \frac{\sum_i w_i L_i}{\sqrt{-⟨\sum_i w_i L_i, \sum_i w_i L_i⟩}}

    with the lifts L and the Minkowski product. In the coordinates K = L_space / L_time of Klein's
    model, with γ_i = L_time, this is Σ w_i γ_i K_i / Σ w_i γ_i. It moves with isometries, and it
    is not the Fréchet mean: far points draw it more. Computed in float64; differentiable once.

    Args:
        codes: Codes of the points, shape ``(*batch, points, dim)``.
        weights: Weights w ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Codes of the midpoints, shape ``(*batch, dim)``, in the dtype of the codes.

    Source:
        Gulcehre et al. (2019), *Hyperbolic attention networks*, after Ungar.
        https://arxiv.org/abs/1805.09786
    """
    kappa = in_double(curvature)
    shares = differentiable_once(normalised_weights(codes, weights))
    points = differentiable_once(codes.double())
    if isinstance(kappa, Tensor):
        kappa = differentiable_once(kappa)
    root = root_of(kappa)
    # Far out the centroid is a small difference of large numbers. Seen from a point near by it is
    # none, and which point that is does not matter: so it needs no gradient.
    base = centroid(points, shares, root).detach()
    seen = add(-base.unsqueeze(-2), points, curvature=kappa)
    step = centroid(seen, shares, root)
    return add(base, step, curvature=kappa).to(codes.dtype)


def centroid(
    codes: Float[Tensor, "*batch points dim"],
    shares: Float[Tensor, "*#batch points"],
    root: Curvature,
    *,
    log_factor: Float[Tensor, "*batch points"] | None = None,
) -> Float[Tensor, "*batch dim"]:
    """Code of Σ w L over its Lorentz norm.

    Args:
        codes: Codes of the points, float64, shape ``(*batch, points, dim)``.
        shares: Weights w ≥ 0, shape ``(*batch, points)``.
        root: s = √−κ, in 1 / length.
        log_factor: Logarithms of further factors of the weights, shape ``(*batch, points)``.

    Returns:
        Codes, shape ``(*batch, dim)``, right to about eps · exp(4s‖code‖) of a length 1 / s.
    """
    radius = 2 * root * torch.linalg.vector_norm(codes, dim=-1)
    # e^radius goes into the weight, so that points too far for cosh to hold still count; and not
    # the logarithm of the weight, so that a weight 0 has its slope.
    exponent = radius if log_factor is None else radius + log_factor
    top = (shares.detach().log() + exponent.detach()).amax(-1, keepdim=True)
    heavy = shares * torch.exp((exponent - top).clamp(max=_LARGEST_EXPONENT))
    heavy, radius = heavy.unsqueeze(-1), radius.unsqueeze(-1)
    space = (heavy * 4 * exp_half_ratio(2 * radius) * codes).sum(-2)
    time = (heavy * (1 + torch.exp(-2 * radius)) / 2).sum(-2)
    size = root * torch.linalg.vector_norm(space, dim=-1, keepdim=True)
    # size < time up to rounding; all that a code needs is their ratio, tanh of the radius.
    room = ((time - size) * (time + size)).clamp_min(torch.finfo(time.dtype).tiny).sqrt()
    code: Tensor = asinh_ratio(size / room) * (space / room) / 2
    return code


class _Once(Function):
    """The identity, through which no second derivative passes."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        return gradient


def differentiable_once(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A tensor whose second derivatives are refused, where they would be wrong."""
    result: Tensor = _Once.apply(x)  # type: ignore[no-untyped-call]
    return result
