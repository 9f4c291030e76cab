"""How much room a point of the ball has left to the boundary, with all the digits there are."""

import torch
from jaxtyping import Float
from torch import Tensor

from .curvature import Curvature


def room_of(x: Float[Tensor, "*batch dim"], *, curvature: Curvature) -> Float[Tensor, "*batch 1"]:
    r"""1 + κ‖x‖², the number that every formula of the ball divides by.

    Near the boundary this is the difference of nearly equal numbers: at 1 − s‖x‖ = 1e-4, float32
    would leave three digits of it. Float32 coordinates say it exactly, so it is taken in float64
    and rounded once; (1 − s‖x‖)(1 + s‖x‖) has no fewer errors, ‖x‖ being rounded before. Of float64
    points it has an error of about 2e-16 over itself: keep codes where that matters.

    Args:
        x: Points of the ball, shape ``(*batch, dim)``.
        curvature: Sectional curvature κ < 0, in 1 / length², not checked here.

    Returns:
        Numbers in (0, 1], negative or 0 for coordinates outside the ball; shape ``(*batch, 1)``,
        in the dtype of the points.
    """
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float64)
    room: Tensor = 1 + curvature * length.square()
    return room.to(x.dtype)
