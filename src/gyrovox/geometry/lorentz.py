r"""The hyperboloid: where gyroplanes, means and clustering become linear algebra.

A code u (tangent vector of the Poincaré ball at the origin) is lifted to
L = (sinh(2s‖u‖) u / ‖u‖, cosh(2s‖u‖)), s = √−κ: space coordinates first, time last,
‖L_space‖² − L_time² = −1. Lifting codes rather than ball points keeps every digit that the ball's
coordinates round away.

A curvature that is no finite negative number is a ``ValueError`` everywhere.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from .curvature import Curvature, root_of
from .radial import asinh_ratio, sinh_ratio


def lift(
    codes: Float[Tensor, "*batch dim"], *, curvature: Curvature = -1.0
) -> Float[Tensor, "*batch lifted"]:
    r"""Points of the unit hyperboloid of codes.

    Args:
        codes: Tangent vectors u at the origin of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        (L_space, L_time), shape ``(*batch, dim + 1)``, without unit. Exact to rounding while
        2s‖u‖ < 88 (float32) or 709 (float64), where cosh overflows.

    Source:
        Cannon et al. (1997), *Hyperbolic geometry*, section 7 (the ball seen from the
        hyperboloid). https://library.slmath.org/books/Book31/files/cannon.pdf
    """
    double = 2 * root_of(curvature)
    radius = double * torch.linalg.vector_norm(codes, dim=-1, keepdim=True)
    return torch.cat((sinh_ratio(radius) * (double * codes), torch.cosh(radius)), dim=-1)


def lower(
    points: Float[Tensor, "*batch lifted"], *, curvature: Curvature = -1.0
) -> Float[Tensor, "*batch dim"]:
    r"""Codes of points of the unit hyperboloid: asinh(‖L_space‖) L_space / (2s ‖L_space‖).

    Args:
        points: (L_space, L_time), shape ``(*batch, dim + 1)``. The time is not read: on the
            hyperboloid the space coordinates say it, and say it better near the origin.
        curvature: Sectional curvature κ = −s² < 0, in 1 / length².

    Returns:
        Codes u, shape ``(*batch, dim)``.

    Source:
        Inverse of `lift`.
    """
    space = points[..., :-1]
    size = torch.linalg.vector_norm(space, dim=-1, keepdim=True)
    return asinh_ratio(size) * space / (2 * root_of(curvature))
