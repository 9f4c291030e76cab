r"""The Poincaré ball of any curvature κ = −c < 0, as pure functions of its points.

Points are coordinates z with c‖z‖² < 1; the metric at z is λ_z² I, λ_z = 2 / (1 − c‖z‖²), so a
tangent vector v at z has length λ_z ‖v‖ (at the origin: 2‖v‖). Coordinates hold distances from the
origin up to about 17/√c in float32 and 37/√c in float64 and then round to the boundary: where that
matters, keep codes u = log_0(z) and use `gyrovox.geometry.codes`.

A curvature is a number or a 0-dim tensor, which then gets its gradient; one that is no finite
negative number is a ``ValueError`` everywhere. Nothing checks that points
lie in the ball: outside it a distance is NaN, and `project` moves points back and says which.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from .curvature import Curvature, root_of
from .radial import asinh_ratio, tanh_ratio
from .room import room_of


def conformal_factor(
    x: Float[Tensor, "*batch dim"], *, curvature: Curvature = -1.0
) -> Float[Tensor, "*batch"]:
    r"""Length of a unit coordinate vector at a point, λ_x = 2 / (1 + κ‖x‖²).

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        λ ≥ 2, shape ``(*batch,)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), section 2.3. https://arxiv.org/abs/1805.09112
    """
    root_of(curvature)
    return 2 / room_of(x, curvature=curvature).squeeze(-1)


def mobius_add(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Möbius addition: y carried by the translation that takes the origin to x.

    .. math::
        x ⊕ y = \frac{A_x (x + y) + c‖x + y‖^2 x}{A_x A_y + c‖x + y‖^2}, \quad A_x = 1 - c‖x‖^2

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        y: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −c < 0, in 1 / length².

    Returns:
        Points of the ball, shape ``(*batch, dim)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), eq. 4, regrouped. https://arxiv.org/abs/1805.09112
    """
    # The textbook form subtracts nearly equal numbers where y ≈ −x near the boundary; here both
    # denominators are sums of positive terms, and (−x) ⊕ x is 0 exactly.
    root_of(curvature)
    room_x, room_y = room_of(x, curvature=curvature), room_of(y, curvature=curvature)
    total = x + y
    square = -curvature * total.square().sum(-1, keepdim=True)
    return (room_x * total + square * x) / (room_x * room_y + square)


def mobius_multiply(
    factor: float | Float[Tensor, "*#batch"],
    x: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Möbius scalar multiplication: the point ``factor`` times as far out on the same ray.

    .. math:: r ⊗ x = \exp_0(r \log_0 x)

    Args:
        factor: Real multiples r, one number or shape ``(*batch,)``.
        x: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Points of the ball, shape ``(*batch, dim)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), eq. 5 and lemma 3. https://arxiv.org/abs/1805.09112
    """
    if isinstance(factor, Tensor):
        factor = factor.unsqueeze(-1)
    return exp_origin(factor * log_origin(x, curvature=curvature), curvature=curvature)


def exp_origin(
    u: Float[Tensor, "*batch dim"], *, curvature: Curvature = -1.0
) -> Float[Tensor, "*batch dim"]:
    r"""Point reached from the origin along a tangent vector, tanh(s‖u‖) u / (s‖u‖), s = √−κ.

    Args:
        u: Tangent vectors at the origin (codes), shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Points at the distance 2‖u‖ from the origin, shape ``(*batch, dim)``. Codes beyond
        s‖u‖ ≈ 9 (float32) or 19 (float64) round to the boundary; `project` tells which.

    Source:
        Ganea, Bécigneul & Hofmann (2018), lemma 2. https://arxiv.org/abs/1805.09112
    """
    radius = root_of(curvature) * torch.linalg.vector_norm(u, dim=-1, keepdim=True)
    return tanh_ratio(radius) * u


def log_origin(
    x: Float[Tensor, "*batch dim"], *, curvature: Curvature = -1.0
) -> Float[Tensor, "*batch dim"]:
    r"""Tangent vector at the origin that leads to a point, artanh(s‖x‖) x / (s‖x‖), s = √−κ.

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Codes, shape ``(*batch, dim)``; infinite for points on the boundary.

    Source:
        Ganea, Bécigneul & Hofmann (2018), lemma 2. https://arxiv.org/abs/1805.09112
    """
    # artanh r = asinh(r / √(1 − r²)): near the boundary r has lost the digits that 1 − r² keeps.
    stretch = 1 / room_of(x, curvature=curvature).sqrt()
    radius = root_of(curvature) * torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return asinh_ratio(radius * stretch) * stretch * x


def exp(
    x: Float[Tensor, "*#batch dim"],
    v: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Point reached from a point along a tangent vector, x ⊕ exp_0(λ_x v / 2).

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        v: Tangent vectors at them, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Points at the distance λ_x ‖v‖ from x, shape ``(*batch, dim)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), lemma 2. https://arxiv.org/abs/1805.09112
    """
    code = v / room_of(x, curvature=curvature)
    return mobius_add(x, exp_origin(code, curvature=curvature), curvature=curvature)


def log(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Tangent vector at x that leads to y.

    .. math::
        \log_x(y) = \frac{D}{\sinh D} \, \frac{A_x (y - x) - c‖y - x‖^2 x}{A_y},
        \quad D = \sqrt{c} \, d(x, y), \quad A_x = 1 - c‖x‖^2

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        y: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −c < 0, in 1 / length².

    Returns:
        Tangent vectors v at x with λ_x ‖v‖ = d(x, y), shape ``(*batch, dim)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), lemma 2, with tanh(D/2) = s‖(−x) ⊕ y‖ eliminated, so
        that no artanh saturates. https://arxiv.org/abs/1805.09112
    """
    root = root_of(curvature)
    room_x, room_y = room_of(x, curvature=curvature), room_of(y, curvature=curvature)
    gap = y - x
    # half = sinh(D/2), and sinh D = 2 sinh(D/2) cosh(D/2).
    length = torch.linalg.vector_norm(gap, dim=-1, keepdim=True)
    half = root * length / (room_x.sqrt() * room_y.sqrt())
    shrink = asinh_ratio(half) / (1 + half.square()).sqrt()
    square = -curvature * gap.square().sum(-1, keepdim=True)
    tangent: Tensor = shrink * (room_x * gap - square * x) / room_y
    return tangent


def distance(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch"]:
    r"""Length of the geodesic between two points.

    .. math::
        d(x, y) = \frac{2}{\sqrt{-κ}} \operatorname{asinh}
            \frac{\sqrt{-κ} \, ‖x - y‖}{\sqrt{(1 + κ‖x‖^2)(1 + κ‖y‖^2)}}

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        y: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Distances ≥ 0, shape ``(*batch,)``.

    Source:
        Nickel & Kiela (2017), eq. 1, with cosh d = 1 + 2 sinh²(d/2).
        https://arxiv.org/abs/1705.08039
    """
    root = root_of(curvature)
    room_x, room_y = room_of(x, curvature=curvature), room_of(y, curvature=curvature)
    gap = torch.linalg.vector_norm(x - y, dim=-1, keepdim=True)
    # Not acosh(1 + 2s²): in float32 the 1 swallows every s below 2e-4.
    half = gap / (room_x.sqrt() * room_y.sqrt())
    # As a multiple of half, so that for short distances the slope in κ is no difference of halves.
    length: Tensor = 2 * half * asinh_ratio(root * half)
    return length.squeeze(-1)


def geodesic(
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    time: float | Float[Tensor, "*#batch"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Point at a fraction of the way from x to y, exp_x(t log_x(y)).

    Args:
        x: Points of the ball at time 0, shape ``(*batch, dim)``.
        y: Points of the ball at time 1, shape ``(*batch, dim)``.
        time: Fractions t of the distance, one number or shape ``(*batch,)``; outside [0, 1] the
            geodesic is continued.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Points of the ball, shape ``(*batch, dim)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), eq. 8. https://arxiv.org/abs/1805.09112
    """
    if isinstance(time, Tensor):
        time = time.unsqueeze(-1)
    return exp(x, time * log(x, y, curvature=curvature), curvature=curvature)


def parallel_transport(
    v: Float[Tensor, "*#batch dim"],
    x: Float[Tensor, "*#batch dim"],
    y: Float[Tensor, "*#batch dim"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch dim"]:
    r"""Tangent vector at x, carried along the geodesic to y: gyr[y, −x] v · λ_x / λ_y.

    Args:
        v: Tangent vectors at x, shape ``(*batch, dim)``.
        x: Points of the ball, shape ``(*batch, dim)``.
        y: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Tangent vectors at y of the same length, shape ``(*batch, dim)``.

    Source:
        Ungar (2008), *A Gyrovector Space Approach to Hyperbolic Geometry*, eq. 3.26 and
        section 3.16. https://doi.org/10.2200/S00175ED1V01Y200901MAS004
    """
    root_of(curvature)
    room_x, room_y = room_of(x, curvature=curvature), room_of(y, curvature=curvature)
    c, gap = -curvature, y - x
    # gyr[y, −x] in terms of the gap, so that near points on the boundary lose nothing.
    xv, gap_v = (x * v).sum(-1, keepdim=True), (gap * v).sum(-1, keepdim=True)
    square = c * gap.square().sum(-1, keepdim=True)
    along_gap = -(gap_v + room_y * xv)
    along_y = room_x * gap_v - square * xv
    turned = v + 2 * c * (along_gap * gap + along_y * y) / (room_x * room_y + square)
    return turned * room_y / room_x


def project(
    x: Float[Tensor, "*batch dim"], *, curvature: Curvature = -1.0
) -> tuple[Float[Tensor, "*batch dim"], Bool[Tensor, "*batch"]]:
    r"""Points moved into the open ball where they are not, and which were moved.

    A moved point ends on its ray at s‖x‖ = 1 − 4 eps, eps the rounding unit of its dtype. Nothing
    in the package projects silently: whoever calls this sees the mask.

    Args:
        x: Coordinates, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        Points strictly inside the ball, shape ``(*batch, dim)``, and whether each was moved, shape
        ``(*batch,)``. Points with a coordinate that is not finite become NaN and count as moved.
    """
    # Over the largest coordinate: squares of far ones overflow.
    peak = x.detach().abs().amax(-1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    length = torch.linalg.vector_norm(x / peak, dim=-1, keepdim=True, dtype=torch.float64)
    size = root_of(curvature) * length
    limit = 1 - 4 * torch.finfo(x.dtype).eps
    # A moved point may round to a unit above the limit, and stays when projected again.
    moved = ~(size * peak <= 1 - 2 * torch.finfo(x.dtype).eps)
    # The other branch of a `where` is differentiated too, and must not divide by 0.
    shrink = (limit / torch.where(moved, size, 1.0)).to(x.dtype)
    return torch.where(moved, x / peak * shrink, x), moved.squeeze(-1)
