r"""The radius of the Riemannian normal distribution, in units of its scale.

With t = r / σ and q = s σ, s = √−κ, the law of the radius has one parameter besides the dimension:

.. math::
    ρ(t) = \frac{f(t)}{ζ(q)}, \quad f(t) = e^{-t^2/2} \Bigl(\frac{\sinh q t}{q}\Bigr)^{d-1},
    \quad ζ(q) = \int_0^∞ f(t) \, dt,

and r = σ t has the normalising constant σ^d ζ(q). At q = 0 this is the chi distribution. The
logarithm of f is concave, with a second derivative of at most −1: from its mode on, f falls at
least as fast as a standard normal. All is computed in float64. The mathematics is in
docs/derivations/riemannian-normal.md.

Source:
    Mathieu et al. (2019), supplement. https://arxiv.org/abs/1901.06033
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from numpy.typing import NDArray
from torch import Tensor

from gyrovox.errors import GyrovoxError
from gyrovox.geometry.radial import log_sinh_ratio

# Beyond this from the mode, 2e-22 of the mass is left.
_HALF_WIDTH = 10.0
_NODES_OF_MASS = 128
_NODES_OF_SLOPE = 32
# Samples whose gradients are computed at once: 32 float64 numbers each.
_BLOCK = 1 << 14
# At the acceptance of 0.82 that holds up to dimension 10, one in 5^200 is rejected so often.
_ROUNDS = 200


class SamplingError(GyrovoxError, ArithmeticError):
    """A rejection sampler was not accepted for as long as it is allowed to try."""


def log_mass(relative_scale: Float[Tensor, "*batch"], dim: int) -> Float64[Tensor, "*batch"]:
    r"""Logarithm of ζ(q), by Gauss-Legendre quadrature with 128 nodes on mode ± 10.

    Differentiable any number of times. Not the closed sum of error functions: its terms alternate
    and lose all digits from about dimension 20 on.

    Args:
        relative_scale: q = s σ ≥ 0, without unit, shape ``(*batch,)``.
        dim: Dimension d ≥ 1 of the space.

    Returns:
        log ζ, shape ``(*batch,)``; at q = 0 that of the chi distribution, 2^(d/2 − 1) Γ(d/2).

    Source:
        The integral: Mathieu et al. (2019), supplement. https://arxiv.org/abs/1901.06033
    """
    q = relative_scale.double()
    with torch.no_grad():
        # The integral does not depend on where the nodes lie, so they carry no gradient.
        mode = _mode_bound(q, dim)
        low = (mode - _HALF_WIDTH).clamp_min(0)
        t, log_weight = _nodes(low, mode + _HALF_WIDTH, _NODES_OF_MASS)
    return torch.logsumexp(_log_kernel(t, q.unsqueeze(-1), dim) + log_weight, dim=-1)


def sample(
    relative_scale: Float[Tensor, "*batch"], dim: int, shape: tuple[int, ...]
) -> Float64[Tensor, "*shape"]:
    r"""Exact samples t of the law, with their implicit reparameterised gradient.

    Rejection from the envelope with the less mass of two, each element by itself:

    - a normal density of variance 1 that touches f near its mode, accepted with f / envelope;
    - S χ_d with 1 / S² = 1 − (d − 1) q² / 3, accepted with (sinh(x)/x · exp(−x²/6))^(d − 1),
      x = q t.

    Args:
        relative_scale: q = s σ ≥ 0, without unit, shape ``(*batch,)``. NaN gives NaN.
        dim: Dimension d ≥ 1 of the space.
        shape: Shape of the samples, to which that of q can be broadcast.

    Returns:
        Samples t > 0, shape ``(*shape,)``, with dt/dq = −(∂F/∂q) / ρ where q asks for a gradient.

    Raises:
        SamplingError: If an element is rejected 200 times.

    Source:
        Mathieu et al. (2019), supplement, for the law and its implicit gradient; Figurnov, Mohamed
        & Mnih (2018) for implicit gradients. https://arxiv.org/abs/1901.06033,
        https://arxiv.org/abs/1805.08498
    """
    q = relative_scale.double()
    with torch.no_grad():
        flat = q.detach().expand(shape).flatten()
        t = _rejection_samples(flat, dim)
    if not (q.requires_grad and torch.is_grad_enabled()):
        return t.view(shape)
    mean_slope = _mean_slope(q, dim).expand(shape).flatten()
    slope = torch.empty_like(t)
    for start in range(0, len(t), _BLOCK):
        part = slice(start, start + _BLOCK)
        slope[part] = _slope(t[part], flat[part], mean_slope[part], dim)
    # The value is t; the gradient that of t(q).
    return t.view(shape) + slope.view(shape) * (q - q.detach())


def _log_kernel(
    t: Float64[Tensor, "*#shape"], q: Float64[Tensor, "*#shape"], dim: int
) -> Float64[Tensor, "*shape"]:
    """Logarithm of f(t)."""
    return (dim - 1) * (torch.log(t) + log_sinh_ratio(q * t)) - t.square() / 2


def _mode_bound(q: Float64[Tensor, "*batch"], dim: int) -> Float64[Tensor, "*batch"]:
    """A little above the mode of f, which solves t = (d − 1) q coth(q t): coth² x ≤ 1 + 1/x²."""
    flat, far = dim - 1, ((dim - 1) * q).square()
    return ((far + (far.square() + 4 * flat**2).sqrt()) / 2).sqrt()


def _nodes(
    low: Float64[Tensor, "*batch"], high: Float64[Tensor, "*batch"], count: int
) -> tuple[Float64[Tensor, "*batch {count}"], Float64[Tensor, "*batch {count}"]]:
    """Gauss-Legendre nodes of intervals, and the logarithms of their weights."""
    place, weight = (torch.as_tensor(one, device=low.device) for one in _gauss_legendre(count))
    half = ((high - low) / 2).unsqueeze(-1)
    return low.unsqueeze(-1) + half * (1 + place), half.log() + weight.log()


@functools.cache
def _gauss_legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    place, weight = np.polynomial.legendre.leggauss(count)
    return place, weight


class _Envelope(NamedTuple):
    """What bounds f for every q: a normal density about `centre`, or a chi density of `scale`."""

    is_normal: Bool[Tensor, "n"]
    centre: Float64[Tensor, "n"]
    log_height: Float64[Tensor, "n"]
    scale: Float64[Tensor, "n"]

    def at(self, index: Int[Tensor, "k"]) -> "_Envelope":
        """The envelopes of some of the q."""
        return _Envelope(*(values[index] for values in self))


def _rejection_samples(q: Float64[Tensor, "n"], dim: int) -> Float64[Tensor, "n"]:
    """Samples t: those that were rejected, and only those, are drawn again.

    Raises:
        SamplingError: If some are rejected again and again.
    """
    t = torch.empty_like(q)
    pending = torch.arange(len(q), device=q.device)
    envelope = _envelope(q, dim)
    for _ in range(_ROUNDS):
        drawn, log_acceptance = _proposals(q[pending], envelope.at(pending), dim)
        t[pending] = drawn
        # A NaN is larger than nothing: it is kept, and seen in the result.
        pending = pending[torch.rand_like(drawn).log() > log_acceptance]
        if len(pending) == 0:
            return t
    low, high = q[pending].min().item(), q[pending].max().item()
    raise SamplingError(
        f"a radius must be accepted within {_ROUNDS} draws, and {len(pending)} of {len(q)} in "
        f"dimension {dim} were not (scale times root of the curvature from {low:g} to {high:g}). "
        f"Use a smaller dimension, or a wrapped normal."
    )


def _envelope(q: Float64[Tensor, "n"], dim: int) -> _Envelope:
    """The envelope with the less mass: of its draws, more are accepted."""
    # log f'' ≤ −1, so f lies below the parabola that touches it anywhere; least mass at the mode.
    touch = _mode_bound(q, dim)
    x = q * touch
    lean = (dim - 1) * (1 + x * _slope_of_log_sinh_ratio(x)) / touch - touch
    log_height = _log_kernel(touch, q, dim) + lean.square() / 2
    # Where this is not positive there is no chi envelope, and its mass is NaN.
    precision = 1 - (dim - 1) * q.square() / 3
    log_chi_mass = (dim / 2 - 1) * math.log(2) + math.lgamma(dim / 2) - dim / 2 * precision.log()
    normal_is_worse = log_height + math.log(2 * math.pi) / 2 >= log_chi_mass
    # In one dimension f is the chi density itself; its mode, and so the parabola, is at 0.
    is_normal = ~normal_is_worse if dim > 1 else torch.zeros_like(normal_is_worse)
    return _Envelope(is_normal, touch + lean, log_height, precision.rsqrt())


def _proposals(
    q: Float64[Tensor, "n"], envelope: _Envelope, dim: int
) -> tuple[Float64[Tensor, "n"], Float64[Tensor, "n"]]:
    """One draw of the envelope for every q, and the logarithm of the chance to accept it."""
    step = torch.randn_like(q)
    noise = torch.randn((*q.shape, dim), dtype=q.dtype, device=q.device)
    from_chi = torch.linalg.vector_norm(noise, dim=-1) * envelope.scale
    t = torch.where(envelope.is_normal, envelope.centre + step, from_chi)
    x = q * t
    by_normal = _log_kernel(t, q, dim) - envelope.log_height + step.square() / 2
    by_chi = (dim - 1) * (log_sinh_ratio(x) - x.square() / 6)
    chance = torch.where(envelope.is_normal, by_normal, by_chi)
    # The normal envelope reaches below 0, where there is no radius.
    return t, torch.where(t <= 0, -math.inf, chance)


def _slope(
    t: Float64[Tensor, "n"], q: Float64[Tensor, "n"], mean_slope: Float64[Tensor, "n"], dim: int
) -> Float64[Tensor, "n"]:
    r"""dt/dq at a fixed value of the distribution function F, by quadrature.

    −(∂F/∂q) / ρ(t) is the integral of (E h − h(x)) f(x)/f(t) over x < t and that of its negative
    over x > t, with h = ∂ log f / ∂q and its mean E h. On the side of t where f falls, ten units
    hold all of it.
    """
    with torch.no_grad():
        below = t < _mode_bound(q, dim)
        low = torch.where(below, (t - _HALF_WIDTH).clamp_min(0), t)
        high = torch.where(below, t, t + _HALF_WIDTH)
        x, log_weight = _nodes(low, high, _NODES_OF_SLOPE)
        log_ratio = _log_kernel(x, q.unsqueeze(-1), dim) - _log_kernel(t, q, dim).unsqueeze(-1)
        weight = torch.exp(log_ratio + log_weight)
        excess = (dim - 1) * x * _slope_of_log_sinh_ratio(q.unsqueeze(-1) * x)
        excess = excess - mean_slope.unsqueeze(-1)
        return torch.where(below, -1.0, 1.0) * (weight * excess).sum(-1)


def _slope_of_log_sinh_ratio(x: Float64[Tensor, "*shape"]) -> Float64[Tensor, "*shape"]:
    """coth(x) − 1/x, right at 0."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(log_sinh_ratio(x).sum(), x)
    return slope


def _mean_slope(q: Float64[Tensor, "*batch"], dim: int) -> Float64[Tensor, "*batch"]:
    """E h = d log ζ / dq."""
    with torch.enable_grad():
        q = q.detach().requires_grad_()
        (slope,) = torch.autograd.grad(log_mass(q, dim).sum(), q)
    return slope
