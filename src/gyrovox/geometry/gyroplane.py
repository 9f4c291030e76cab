r"""Gyroplanes: the hyperplanes of hyperbolic space, and signed distances to them.

A gyroplane is given by its normal at its point nearest the origin: a direction n and an offset r,
the point being exp_0(r n / ‖n‖), so that it lies at the distance 2|r| from the origin.

A curvature that is no finite negative number is a ``ValueError`` everywhere.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from .asinh import asinh_of_products, fast_asinh
from .curvature import Curvature, root_of
from .radial import asinh_ratio, sinh_ratio
from .room import room_of


def signed_distance(
    codes: Float[Tensor, "*batch dim"],
    normal: Float[Tensor, "planes dim"],
    offset: Float[Tensor, " planes"],
    *,
    factor: Float[Tensor, " planes"] | None = None,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*batch planes"]:
    r"""Signed distances of points to gyroplanes: one matrix product and an asinh.

    .. math::
        d(z, H) = \frac{1}{s} \operatorname{asinh}(⟨W_s, L_s⟩ - W_0 L_0), \quad
        W = (\cosh(2 s r) \, n / ‖n‖, \; \sinh(2 s r)), \quad s = \sqrt{-κ}

    with L the lift of the code to the hyperboloid.

    Args:
        codes: Codes of the points, at any distance, shape ``(*batch, dim)``.
        normal: Normals n, of any length but 0, shape ``(planes, dim)``.
        offset: Offsets r along them, shape ``(planes,)``; half the distance from the origin, with
            2s|r| < 20 in float32.
        factor: What the distances to each gyroplane are multiplied by, shape ``(planes,)``; 1 if
            None.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Distances, positive on the side the normal points to, shape ``(*batch, planes)``. Where both
        are far out, sinh(s d) is a small difference of large numbers: its error is about
        eps · cosh(2sr) cosh(2s‖u‖).

    Source:
        Ganea, Bécigneul & Hofmann (2018), theorem 5, on the hyperboloid; Shimizu et al. (2021),
        section 3.1, for the offset along the normal. https://arxiv.org/abs/2006.08210
    """
    root = root_of(curvature)
    size = torch.linalg.vector_norm(codes, dim=-1, keepdim=True)
    stretch, time, excess = lift_within_reach(2 * root * size)
    lifted = torch.cat((stretch * (2 * root) * codes, time), dim=-1)
    plane = lorentz_normal(normal, offset, root=root)
    factor = (torch.ones_like(offset) if factor is None else factor) / root
    # Codes beyond the reach are rare, and all the outputs would pay for them. A compiled graph may
    # not look, and joins the passes anyhow.
    if torch.compiler.is_compiling() or bool((excess > 0).any()):
        return _arcs(lifted @ plane.mT, excess) * factor
    distances = asinh_of_products(lifted.reshape(-1, lifted.shape[-1]), plane, factor)
    return distances.view(*codes.shape[:-1], len(normal))


def signed_distance_of_products(
    product: Float[Tensor, "*#shape"],
    size: Float[Tensor, "*#shape"],
    offset: Float[Tensor, "*#shape"],
    *,
    factor: Float[Tensor, "*#shape"],
    curvature: Curvature = -1.0,
) -> Float[Tensor, "*shape"]:
    r"""Signed distances to gyroplanes of codes of which only two numbers are known.

    .. math::
        d = \frac{1}{s} \operatorname{asinh} \left( \cosh(2 s r) \frac{\sinh 2t}{t} s \,
            ⟨u, n⟩ - \sinh(2 s r) \cosh 2t \right), \quad t = s‖u‖

    Args:
        product: ⟨u, n⟩ with the unit normals n, of a shape that broadcasts with the others.
        size: ‖u‖ of the codes, of a shape that broadcasts.
        offset: Offsets r along the normals, of a shape that broadcasts.
        factor: What the distances are multiplied by, of a shape that broadcasts.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        Distances times factors, of the broadcast shape.

    Source:
        `signed_distance`, written out.
    """
    root = root_of(curvature)
    stretch, time, excess = lift_within_reach(2 * root * size)
    tilt = 2 * root * offset
    space = product * (stretch * (2 * root))
    heights = torch.addcmul(space * torch.cosh(tilt), torch.sinh(tilt), time, value=-1)
    return _arcs(heights, excess) * (factor / root)


def through_point(
    point: Float[Tensor, "planes dim"],
    normal: Float[Tensor, "planes dim"],
    *,
    curvature: Curvature = -1.0,
) -> tuple[Float[Tensor, "planes dim"], Float[Tensor, " planes"]]:
    r"""Unit normal and offset of the gyroplanes {z : ⟨log_p(z), a⟩ = 0}.

    .. math::
        W_s = \hat a + c λ_p ⟨p, \hat a⟩ p, \quad W_0 = s λ_p ⟨p, \hat a⟩ = \sinh(2 s r)

    Args:
        point: Points p of the ball on the gyroplanes, shape ``(planes, dim)``.
        normal: Normals a there, of any length but 0, shape ``(planes, dim)``.
        curvature: Sectional curvature κ = −c = −s² < 0, in 1 / length².

    Returns:
        Unit normals at the points nearest the origin, shape ``(planes, dim)``, and the offsets r,
        shape ``(planes,)``: what `signed_distance` takes.

    Source:
        The normal of Ganea, Bécigneul & Hofmann (2018), definition 3.1, as a Lorentz vector.
        https://arxiv.org/abs/1805.09112
    """
    root = root_of(curvature)
    direction = torch.nn.functional.normalize(normal, dim=-1)
    room = room_of(point, curvature=curvature)
    lean = 2 * (point * direction).sum(-1, keepdim=True) / room
    space = direction - curvature * lean * point
    offset = lean * asinh_ratio(root * lean.abs()) / 2
    return torch.nn.functional.normalize(space, dim=-1), offset.squeeze(-1)


def lorentz_normal(
    normal: Float[Tensor, "*shape dim"], offset: Float[Tensor, "*shape"], *, root: Curvature
) -> Float[Tensor, "*shape lifted"]:
    """What the lift of a code is multiplied by: (W_space, −W_time) of `signed_distance`.

    Args:
        normal: Normals, of any length but 0, shape ``(*shape, dim)``.
        offset: Offsets r along them, half the distance from the origin, shape ``(*shape,)``.
        root: s = √−κ, in 1 / length.

    Returns:
        Shape ``(*shape, dim + 1)``, without unit.

    Source:
        `signed_distance`.
    """
    tilt = 2 * root * offset.unsqueeze(-1)
    direction = torch.nn.functional.normalize(normal, dim=-1)
    return torch.cat((torch.cosh(tilt) * direction, -torch.sinh(tilt)), dim=-1)


def lift_within_reach(
    radius: Float[Tensor, "*shape"],
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Factors that lift codes to the hyperboloid, drawn back to where nothing overflows.

    Beyond a reach the squares inside an asinh and its gradient overflow. There
    asinh(e^x h) = ± (x + log 2|h|): a step outwards is a step away.

    Args:
        radius: Distances from the origin in units of 1/s, 2s‖u‖ ≥ 0, shape ``(*shape,)``.

    Returns:
        sinh(x) / radius and cosh(x) with x = min(radius, reach), and the excess radius − x, all of
        shape ``(*shape,)`` and without unit.
    """
    # A quarter of the largest exponent leaves room for tilts.
    reach = math.log(torch.finfo(radius.dtype).max) / 4
    near = radius.clamp(max=reach)
    excess = radius - near
    return sinh_ratio(near) * (reach / radius.clamp(min=reach)), torch.cosh(near), excess


def _arcs(
    heights: Float[Tensor, "*shape"], excess: Float[Tensor, "*#shape"]
) -> Float[Tensor, "*shape"]:
    """Asinh of heights over gyroplanes, with the part of the radius that the lift left out.

    Beyond its reach asinh(e^x h) = ± (x + log 2|h|): a step outwards is a step away.
    """
    arcs = fast_asinh(heights)
    if torch.compiler.is_compiling() or bool((excess > 0).any()):
        arcs = torch.addcmul(arcs, torch.sign(heights), excess)
    return arcs
