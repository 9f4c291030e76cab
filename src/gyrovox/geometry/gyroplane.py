r"""Gyroplanes: the hyperplanes of hyperbolic space, and signed distances to them.

A gyroplane is given by its normal at its point nearest the origin: a direction n and an offset r,
the point being exp_0(r n / ‖n‖), so that it lies at the distance 2|r| from the origin.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .asinh import fast_asinh
from .curvature import root_of
from .lorentz import lift


def signed_distance(
    codes: Float[Tensor, "*batch dim"],
    normal: Float[Tensor, "planes dim"],
    offset: Float[Tensor, " planes"],
    *,
    curvature: float = -1.0,
) -> Float[Tensor, "*batch planes"]:
    r"""Signed distances of points to gyroplanes: one matrix product and an asinh.

    .. math::
        d(z, H) = \frac{1}{s} \operatorname{asinh}(⟨W_s, L_s⟩ - W_0 L_0), \quad
        W = (\cosh(2 s r) \, n / ‖n‖, \; \sinh(2 s r)), \quad s = \sqrt{-κ}

    with L the lift of the code to the hyperboloid.

    Args:
        codes: Codes of the points, shape ``(*batch, dim)``; 2s‖u‖ + 2s|r| < 88 in float32.
        normal: Normals n, of any length but 0, shape ``(planes, dim)``.
        offset: Offsets r along them, shape ``(planes,)``; half the distance from the origin.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        Distances, positive on the side the normal points to, shape ``(*batch, planes)``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), theorem 5, on the hyperboloid; Shimizu et al. (2021),
        section 3.1, for the offset along the normal. https://arxiv.org/abs/2006.08210
    """
    root = root_of(curvature)
    direction = torch.nn.functional.normalize(normal, dim=-1)
    tilt = 2 * root * offset.unsqueeze(-1)
    plane = torch.cat((torch.cosh(tilt) * direction, -torch.sinh(tilt)), dim=-1)
    return fast_asinh(lift(codes, curvature=curvature) @ plane.mT) / root


def through_point(
    point: Float[Tensor, "planes dim"],
    normal: Float[Tensor, "planes dim"],
    *,
    curvature: float = -1.0,
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
    radius = root * torch.linalg.vector_norm(point, dim=-1, keepdim=True)
    lean = 2 * (point * direction).sum(-1, keepdim=True) / ((1 - radius) * (1 + radius))
    space = direction - curvature * lean * point
    offset = torch.asinh(root * lean).squeeze(-1) / (2 * root)
    return torch.nn.functional.normalize(space, dim=-1), offset
