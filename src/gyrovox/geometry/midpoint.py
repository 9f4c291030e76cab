"""The Einstein midpoint: the mean that needs no iteration, and where the other one starts."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

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
        Codes of the midpoints, shape ``(*batch, dim)``, in the dtype of the codes; to be trusted
        for points up to 60 / √−κ from the origin.

    Raises:
        ValueError: If ``curvature`` is not negative and finite, or weights cannot be used.

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
        Codes, shape ``(*batch, dim)``: those of points up to 60 / s from the origin lie where they
        should, to about eps · exp(2s‖code‖) of a length 1 / s.
    """
    radius = 2 * root * torch.linalg.vector_norm(codes, dim=-1)
    # e^radius goes into the weight, so that points too far for cosh to hold still count; and not
    # the logarithm of the weight, so that a weight 0 has its slope.
    exponent = radius if log_factor is None else radius + log_factor
    top = (shares.detach().log() + exponent.detach()).amax(-1, keepdim=True)
    heavy = shares * torch.exp((exponent - top).clamp(max=_LARGEST_EXPONENT))
    heavy, radius = heavy.unsqueeze(-1), radius.unsqueeze(-1)
    spaces = 4 * exp_half_ratio(2 * radius) * codes
    times = (1 + torch.exp(-2 * radius)) / 2
    space, time = (heavy * spaces).sum(-2), (heavy * times).sum(-2)
    size = root * torch.linalg.vector_norm(space, dim=-1, keepdim=True)
    lag = _time_less_space(codes, radius, times, root * spaces, space.detach())
    drop = torch.where(2 * size > time, (heavy * lag).sum(-2), time - size)
    # All that a code needs is the ratio of size and time, tanh of the radius.
    room = (drop * (time + size)).clamp_min(torch.finfo(time.dtype).tiny).sqrt()
    code: Tensor = asinh_ratio(size / room) * (space / room) / 2
    return code


def _time_less_space(
    codes: Float[Tensor, "*batch points dim"],
    radius: Float[Tensor, "*batch points 1"],
    times: Float[Tensor, "*batch points 1"],
    spaces: Float[Tensor, "*batch points dim"],
    towards: Float[Tensor, "*batch dim"],
) -> Float[Tensor, "*batch points 1"]:
    """L_time − ⟨L_space, n⟩ over e^radius, n the direction of the centroid.

    Far out this is a small difference of large numbers, and with 1 − cos θ = ‖n_i − n‖² / 2 it is a
    sum of positive ones. Their total is least in n, which therefore needs no gradient.
    """
    toward = torch.nn.functional.normalize(towards, dim=-1, eps=1e-300).unsqueeze(-2)
    far = radius > 1.0
    length = torch.linalg.vector_norm(codes, dim=-1, keepdim=True)
    lean = (codes / torch.where(far, length, 1.0) - toward).square().sum(-1, keepdim=True) / 2
    decay = torch.exp(-2 * radius)
    positive = decay + (1 - decay) / 2 * lean
    return torch.where(far, positive, times - (spaces * toward).sum(-1, keepdim=True))


class _Once(Function):
    """The identity, through which no second derivative passes."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])  # type: ignore[attr-defined]

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        # Torch's own `once_differentiable` cuts the path to x, and ``torch.autograd.grad``, which
        # follows paths, then finds a second derivative of 0 and no error.
        return _refuse(gradient, x) if torch.is_grad_enabled() else gradient


class _Refusal(Function):
    """The first of two tensors, whose derivative in either is an error."""

    generate_vmap_rule = True

    @staticmethod
    def forward(gradient: Tensor, x: Tensor) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def setup_context(ctx: object, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        raise RuntimeError(
            "a Fréchet mean or an Einstein midpoint must be differentiated once, and was asked for "
            "a second derivative. Take differences of its gradient instead."
        )


def _refuse(gradient: Tensor, x: Tensor) -> Tensor:
    result: Tensor = _Refusal.apply(gradient, x)  # type: ignore[no-untyped-call]
    return result


def differentiable_once(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A tensor whose second derivatives are refused, where they would be wrong.

    Args:
        x: Any numbers, shape ``(*shape,)``.

    Returns:
        The same numbers, shape ``(*shape,)``; to differentiate twice is a ``RuntimeError``.
    """
    result: Tensor = _Once.apply(x)  # type: ignore[no-untyped-call]
    return result
