"""Smooth even functions of a radius, with their limits and gradients right at zero.

Each is analytic in x², so that ``ratio(|u|) * u`` has a gradient at u = 0, where the quotient as
written gives 0 / 0 and, just beside it, a derivative that is all rounding error. The radius comes
from ``torch.linalg.vector_norm``, whose gradient at 0 is 0: the right one for an even function.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

# Taylor coefficients in x², from the constant term. Below the bound of each, the first term left
# out is under 1e-16; above it, the quotient's derivative loses less than a factor 20 / x of eps.
_SERIES_BELOW = 0.05
_SINH = (1.0, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880)
_TANH = (1.0, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925)
_ASINH = (1.0, -1 / 6, 3 / 40, -5 / 112, 35 / 1152, -63 / 2816)

# log(sinh x / x) = Σ (−1)^(n+1) ζ(2n) x^2n / (n π^2n): converges for x < π.
_LOG_SINH_SERIES_BELOW = 0.3
_LOG_SINH = (
    0.0,
    1 / 6,
    -1 / 180,
    1 / 2835,
    -1 / 37800,
    1 / 467775,
    -691 / 3831077250,
    2 / 127702575,
    -3617 / 2605132530000,
)


def sinh_ratio(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """sinh(x) / x of radii x ≥ 0, 1 at 0.

    Args:
        x: Radii x ≥ 0, without unit, shape ``(*shape,)``.

    Returns:
        Numbers ≥ 1, shape ``(*shape,)``.
    """
    small, near, far = _split(x, _SERIES_BELOW)
    return torch.where(small, _series(near, _SINH), torch.sinh(far) / far)


def tanh_ratio(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """tanh(x) / x of radii x ≥ 0, 1 at 0.

    Args:
        x: Radii x ≥ 0, without unit, shape ``(*shape,)``.

    Returns:
        Numbers in (0, 1], shape ``(*shape,)``.
    """
    small, near, far = _split(x, _SERIES_BELOW)
    return torch.where(small, _series(near, _TANH), torch.tanh(far) / far)


def asinh_ratio(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """asinh(x) / x of radii x ≥ 0, 1 at 0.

    Args:
        x: Radii x ≥ 0, without unit, shape ``(*shape,)``.

    Returns:
        Numbers in (0, 1], shape ``(*shape,)``.
    """
    small, near, far = _split(x, _SERIES_BELOW)
    return torch.where(small, _series(near, _ASINH), torch.asinh(far) / far)


def log_sinh_ratio(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """log(sinh(x) / x) of radii x ≥ 0, at any size: about x²/6 near 0, about x − log 2x far out.

    Args:
        x: Radii x ≥ 0, without unit, shape ``(*shape,)``.

    Returns:
        Numbers ≥ 0, shape ``(*shape,)``.

    Source:
        Taylor series of log(sinh x / x): DLMF 4.19.7 with x = iz. https://dlmf.nist.gov/4.19
    """
    small, near, far = _split(x, _LOG_SINH_SERIES_BELOW)
    # sinh overflows beyond 88 (float32); its logarithm does not.
    asymptote = far - torch.log(2 * far) + torch.log1p(-torch.exp(-2 * far))
    return torch.where(small, _series(near, _LOG_SINH), asymptote)


def exp_half_ratio(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """(1 − exp(−x)) / (2x) of radii x ≥ 0: exp(−x/2) sinh(x/2) / x, which never overflows.

    Args:
        x: Radii x ≥ 0, without unit, shape ``(*shape,)``.

    Returns:
        Numbers in (0, 1/2], shape ``(*shape,)``.
    """
    # expm1 is exact to rounding, so only 0 / 0 needs care; clamping gives the limit 1/2 there.
    x = x.clamp_min(math.sqrt(torch.finfo(x.dtype).tiny))
    return -torch.expm1(-x) / (2 * x)


def _split(
    x: Float[Tensor, "*shape"], bound: float
) -> tuple[Tensor, Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Mask of x < bound, x² there (0 elsewhere), and x elsewhere (1/2 there).

    Both branches of a ``torch.where`` are differentiated, so neither may see the other's values.
    """
    small = x < bound
    return small, torch.where(small, x, 0.0).square(), torch.where(small, 0.5, x)


def _series(square: Float[Tensor, "*shape"], terms: tuple[float, ...]) -> Float[Tensor, "*shape"]:
    """Polynomial in the square by Horner's rule."""
    total = torch.full_like(square, terms[-1])
    for term in reversed(terms[:-1]):
        total = total * square + term
    return total
