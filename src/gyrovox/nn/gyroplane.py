"""Gyroplane layers: fully connected layers whose input is a code of the manifold."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.geometry import Euclidean, Manifold, PoincareBall
from gyrovox.geometry.curvature import Curvature, root_of, value_of
from gyrovox.geometry.gyroplane import signed_distance


@final
class Gyroplane(nn.Module):
    r"""Scaled signed distances to learned gyroplanes: ``nn.Linear`` for codes of the ball.

    .. math:: f_o(u) = 2 ‖Z_o‖ \, d(\exp_0 u, H_o)

    where H_o is at the distance 2 r_o from the origin, along Z_o. As κ → 0 this becomes
    4 (⟨Z_o, u⟩ − ‖Z_o‖ r_o), which is `EuclideanPlane`.

    Args:
        in_dim: Dimension of the ball.
        out_features: Number of gyroplanes.
        curvature: Sectional curvature κ < 0, in 1 / length²: a number, or a 0-dim tensor, which
            is learned if it is an ``nn.Parameter``.

    Source:
        Ganea, Bécigneul & Hofmann (2018), eq. 25; Shimizu et al. (2021), section 3.1, for the
        parameters Z (``weight``) and r (``offset``). https://arxiv.org/abs/2006.08210
    """

    def __init__(self, in_dim: int, out_features: int, *, curvature: Curvature = -1.0) -> None:
        super().__init__()
        root_of(curvature)
        self.curvature = curvature
        self.weight = nn.Parameter(torch.empty(out_features, in_dim))
        self.offset = nn.Parameter(torch.empty(out_features))
        reset_plane_parameters(self.weight, self.offset, inputs=in_dim)

    def forward(self, codes: Float[Tensor, "*batch in_dim"]) -> Float[Tensor, "*batch features"]:
        size = torch.linalg.vector_norm(self.weight, dim=-1)
        return signed_distance(
            codes, self.weight, self.offset, factor=2 * size, curvature=self.curvature
        )

    def extra_repr(self) -> str:
        out_features, in_dim = self.weight.shape
        return f"{in_dim} → {out_features}, curvature={value_of(self.curvature):g}"


@final
class EuclideanPlane(nn.Module):
    r"""The Euclidean twin of `Gyroplane`: f_o(u) = 4 (⟨Z_o, u⟩ − ‖Z_o‖ r_o).

    The same parameters with the same starting values, so that the two differ in curvature alone.

    Args:
        in_dim: Dimension of the codes.
        out_features: Number of planes.
    """

    def __init__(self, in_dim: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_dim))
        self.offset = nn.Parameter(torch.empty(out_features))
        reset_plane_parameters(self.weight, self.offset, inputs=in_dim)

    def forward(self, codes: Float[Tensor, "*batch in_dim"]) -> Float[Tensor, "*batch features"]:
        shift = -4 * torch.linalg.vector_norm(self.weight, dim=-1) * self.offset
        return nn.functional.linear(codes, 4 * self.weight, shift)

    def extra_repr(self) -> str:
        out_features, in_dim = self.weight.shape
        return f"{in_dim} → {out_features}"


def reset_plane_parameters(
    weight: Tensor, offset: Tensor, *, inputs: int, gain: float = 1.0
) -> None:
    """Draw starting values, in place: slopes of ``nn.Linear``, planes where the prior has its mass.

    Args:
        weight: Normals Z, of any shape. 4 gain Z starts uniform within 1 / √inputs.
        offset: Half distances r from the origin, of any shape, uniform within 1/2: planes lie
            within the distance 1, the scale of the prior.
        inputs: How many numbers an output is the sum over.
        gain: Factor that the layer multiplies its input by.
    """
    bound = 1 / (4 * gain * math.sqrt(inputs))
    nn.init.uniform_(weight, -bound, bound)
    nn.init.uniform_(offset, -0.5, 0.5)


def plane_layer(manifold: Manifold, in_dim: int, out_features: int) -> Gyroplane | EuclideanPlane:
    """The fully connected layer that takes codes of a manifold.

    Args:
        manifold: Where the codes live.
        in_dim: Dimension of the codes.
        out_features: Number of planes.

    Returns:
        A layer from codes ``(*batch, in_dim)`` to features ``(*batch, out_features)``.
    """
    if isinstance(manifold, Euclidean):
        return EuclideanPlane(in_dim, out_features)
    return Gyroplane(in_dim, out_features, curvature=curvature_of(manifold))


def curvature_of(manifold: Manifold) -> Curvature:
    """Curvature of a manifold, as a tensor where it may be learned.

    Args:
        manifold: Where the codes live.

    Returns:
        Sectional curvature κ, in 1 / length².
    """
    return manifold.learned_curvature if isinstance(manifold, PoincareBall) else manifold.curvature
