r"""Hyperbolic space in codes: distance and Möbius addition that hold at any distance.

A code u = log_0(z) of the Poincaré ball is the tangent vector at the origin that leads to z. Ball
coordinates hold distances up to about 17/√c in float32; codes hold all of them. With R = 2s‖u‖ and
n = u/‖u‖, everything here follows from one vector of half angles,

.. math::
    G = \cosh(R_a/2) \sinh(R_b/2) \, n_b - \cosh(R_b/2) \sinh(R_a/2) \, n_a, \qquad
    ‖G‖ = \sinh(s \, d(a, b) / 2).

Source:
    Cannon et al. (1997), *Hyperbolic geometry*, section 13, in half angles.
    https://library.slmath.org/books/Book31/files/cannon.pdf

A curvature that is no finite negative number is a ``ValueError`` everywhere.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .curvature import Curvature, root_of
from .radial import asinh_ratio, exp_half_ratio, tanh_ratio

# From this sum of half radii on, exponentials stay exponents: e^40 squared still fits float32.
_FAR = 40.0
# Codes both longer than this, in units of 1/s, have directions that can be told apart.
_OUTER = 1.0


def distance(
    u: Float[Tensor, "*#batch dim"],
    w: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch"]:
    r"""Length of the geodesic between the points that two codes lead to.

    .. math::
        \sinh^2 \frac{s d}{2} = \sinh^2 \frac{R_u - R_w}{2}
            + \sinh R_u \sinh R_w \sin^2 \frac{θ}{2}, \quad R_u = 2s‖u‖, \; θ = ∠(u, w)

    Args:
        u: Codes, shape ``(*batch, dim)``.
        w: Codes, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        Distances ≥ 0, shape ``(*batch,)``; their gradient is 0 where the codes are equal.

    Source:
        The hyperbolic law of cosines in its haversine form; Cannon et al. (1997), *Hyperbolic
        geometry*, section 13. https://library.slmath.org/books/Book31/files/cannon.pdf
    """
    root = root_of(curvature)
    half = _half_angles(u, w, root)
    # As a multiple of the length, so that for short codes the slope in κ is no difference.
    stretch = _stretch(half)
    near = half.length * stretch * asinh_ratio(stretch * half.size)
    angle = torch.where(half.total > _FAR, _asinh_beyond(half) / root, near)
    # Far out on one ray the sines underflow, and all there is, is the difference of the radii.
    return torch.where(_on_one_ray(half), half.radial, 2 * angle).squeeze(-1)


def add(
    u: Float[Tensor, "*#batch dim"],
    w: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Code of the Möbius sum exp_0(u) ⊕ exp_0(w): w carried by the translation of 0 to u.

    Args:
        u: Codes, shape ``(*batch, dim)``.
        w: Codes, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        Codes log_0(exp_0(u) ⊕ exp_0(w)), shape ``(*batch, dim)``. With u = −m this is w as seen
        from m: its length is half the distance of m and w.

    Source:
        Möbius addition (Ganea, Bécigneul & Hofmann 2018, eq. 4) in half angles.
        https://arxiv.org/abs/1805.09112
    """
    root = root_of(curvature)
    half = _half_angles(-u, w, root)
    size_start = root * torch.linalg.vector_norm(u, dim=-1, keepdim=True)
    size_end = root * torch.linalg.vector_norm(w, dim=-1, keepdim=True)
    # u ⊕ w = (arsinh g / g) ((C_w / C_u) G + g² tanh(R_u/2) n_u) / √(1 + g²), all over e^sum.
    turn = (
        torch.exp(-2 * size_start)
        * (1 + torch.exp(-2 * size_end))
        / (1 + torch.exp(-2 * size_start))
    )
    vector = turn * half.vector + half.size.square() * tanh_ratio(size_start) * u
    square = torch.exp(-2 * half.total) + half.size.square()
    # Clamped before the root, which has no slope at 0: there w is −u, far out.
    length = square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()
    # Far out on one line the sines underflow, and Möbius addition is addition.
    return torch.where(_on_one_ray(half), u + w, _asinh_per_size(half) * vector / length)


class _HalfAngles(NamedTuple):
    """The vector G / s over e^total, its length, both's sizes in units of 1/s, and the radii."""

    vector: Float[Tensor, "*batch dim"]
    length: Float[Tensor, "*batch 1"]
    size: Float[Tensor, "*batch 1"]
    """s · length: the sine of the half angle, over e^total."""
    total: Float[Tensor, "*batch 1"]
    """Sum of the half radii, in units of 1/s."""
    radial: Float[Tensor, "*batch 1"]
    """Difference of the distances from the origin."""


def _half_angles(
    start: Float[Tensor, "*#batch dim"], end: Float[Tensor, "*#batch dim"], root: Curvature
) -> _HalfAngles:
    """Half angles from one code to another, scaled by exp(−total) so that none overflows."""
    # The difference comes first: after a factor, near codes have each their own rounding.
    gap = end - start
    length_start = torch.linalg.vector_norm(start, dim=-1, keepdim=True)
    length_end = torch.linalg.vector_norm(end, dim=-1, keepdim=True)
    size_start, size_end = root * length_start, root * length_end
    # ‖end‖ − ‖start‖ from the gap: near-coincident codes keep all their digits.
    lengths = (length_start + length_end).clamp_min(_tiny(gap))
    radial = (gap * ((start + end) / lengths)).sum(-1, keepdim=True)
    # Smooth at the origin, where directions do not exist; loses a factor exp(2 nearer) of eps.
    cosh_start = (1 + torch.exp(-2 * size_start)) / 2
    cosh_end = (1 + torch.exp(-2 * size_end)) / 2
    sinh_end = 2 * exp_half_ratio(2 * size_end)
    smooth = cosh_start * sinh_end * end - cosh_end * 2 * exp_half_ratio(2 * size_start) * start
    # Farther out, or closer together: sinh of the difference of the radii, along one direction,
    # plus the difference of the directions.
    nearer = torch.minimum(size_start, size_end)
    apart = root * torch.linalg.vector_norm(gap, dim=-1, keepdim=True)
    outer = (nearer > _OUTER) | (nearer > apart)
    safe_start = torch.where(outer, length_start, 1.0)
    safe_end = torch.where(outer, length_end, 1.0)
    along = start / safe_start
    turned = (gap - along * radial) / safe_end
    drop = 2 * exp_half_ratio(2 * root * radial.abs()) * radial * torch.exp(-2 * nearer)
    differences = drop * along + cosh_start * sinh_end * length_end * turned
    vector = torch.where(outer, differences, smooth)
    length = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    return _HalfAngles(vector, length, root * length, size_start + size_end, 2 * radial.abs())


def _on_one_ray(half: _HalfAngles) -> Bool[Tensor, "*batch 1"]:
    """Where start and end are too far, on too nearly one ray, for sines to tell them apart."""
    return (half.total > _FAR) & (half.size <= _tiny(half.size))


def _stretch(half: _HalfAngles) -> Float[Tensor, "*batch 1"]:
    """e^total, or 1 where it may overflow."""
    return torch.exp(torch.where(half.total > _FAR, 0.0, half.total))


def _asinh_beyond(half: _HalfAngles) -> Float[Tensor, "*batch 1"]:
    """asinh(e^total · size) where e^total may overflow."""
    size = torch.where(half.total > _FAR, half.size, 1.0).clamp_min(_tiny(half.size))
    arc = half.total + torch.log(size + (torch.exp(-2 * half.total) + size.square()).sqrt())
    return arc.clamp_min(0.0)


def _asinh_per_size(half: _HalfAngles) -> Float[Tensor, "*batch 1"]:
    """asinh(e^total · size) / size, smooth where the size is 0."""
    far = half.total > _FAR
    stretch = _stretch(half)
    near = asinh_ratio(stretch * half.size) * stretch
    beyond = _asinh_beyond(half) / torch.where(far, half.size, 1.0).clamp_min(_tiny(half.size))
    return torch.where(far, beyond, near)


def _tiny(like: Tensor) -> float:
    """The least size whose square is a normal number."""
    return float(torch.finfo(like.dtype).tiny ** 0.5)
