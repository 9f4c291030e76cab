"""One interface to the hyperbolic space and its Euclidean control."""

import abc
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from . import codes, euclidean, poincare
from .curvature import Curvature, root_of, value_of
from .frechet_mean import frechet_mean
from .radial import log_sinh_ratio


class Manifold(abc.ABC):
    """A space of constant curvature ≤ 0 with an origin, whose points are named by codes.

    A code is the tangent vector at the origin that leads to a point. Names with ``code`` take
    codes and hold at any distance; the others take the coordinates of points.
    """

    @property
    @abc.abstractmethod
    def curvature(self) -> float:
        """Sectional curvature κ ≤ 0, in 1 / length²."""

    @abc.abstractmethod
    def exp_origin(self, u: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """Points that codes lead to.

        Args:
            u: Codes, shape ``(*batch, dim)``.

        Returns:
            Coordinates of points, shape ``(*batch, dim)``.
        """

    @abc.abstractmethod
    def log_origin(self, points: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """Codes of points.

        Args:
            points: Coordinates, shape ``(*batch, dim)``.

        Returns:
            Codes, shape ``(*batch, dim)``.
        """

    @abc.abstractmethod
    def distance(
        self, x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        """Distances of points.

        Args:
            x: Coordinates, shape ``(*batch, dim)``.
            y: Coordinates, shape ``(*batch, dim)``.

        Returns:
            Distances ≥ 0, shape ``(*batch,)``.
        """

    @abc.abstractmethod
    def code_distance(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        """Distances of the points that codes lead to.

        Args:
            u: Codes, shape ``(*batch, dim)``.
            w: Codes, shape ``(*batch, dim)``.

        Returns:
            Distances ≥ 0, shape ``(*batch,)``.
        """

    @abc.abstractmethod
    def code_add(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch dim"]:
        """Codes of w's points, carried by the translation of the origin to u's.

        Args:
            u: Codes, shape ``(*batch, dim)``.
            w: Codes, shape ``(*batch, dim)``.

        Returns:
            Codes, shape ``(*batch, dim)``.
        """

    @abc.abstractmethod
    def frechet_mean(
        self,
        codes: Float[Tensor, "*batch points dim"],
        weights: Float[Tensor, "*#batch points"] | None = None,
    ) -> Float[Tensor, "*batch dim"]:
        """Codes with the least weighted sum of squared distances to codes.

        Args:
            codes: Codes of the points, shape ``(*batch, points, dim)``.
            weights: Weights ≥ 0, not all 0, shape ``(*batch, points)``; equal ones if None.

        Returns:
            Codes of the means, shape ``(*batch, dim)``.
        """

    @abc.abstractmethod
    def log_volume_ratio(self, distance: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Logarithm of (circumference at a distance) / (the same in flat space).

        Args:
            distance: Distances ≥ 0, shape ``(*batch,)``.

        Returns:
            Numbers ≥ 0, shape ``(*batch,)``.
        """

    def pairwise_code_distance(
        self, u: Float[Tensor, "n dim"], w: Float[Tensor, "k dim"]
    ) -> Float[Tensor, "n k"]:
        """Distances of every code of one set to every code of another.

        Args:
            u: Codes, shape ``(n, dim)``.
            w: Codes, shape ``(k, dim)``.

        Returns:
            Distances ≥ 0, shape ``(n, k)``.
        """
        # A column at a time: (n, k, dim) tensors would be larger than all there is to keep.
        columns = [self.code_distance(u, single) for single in w]
        return torch.stack(columns, dim=-1) if columns else u.new_empty(len(u), 0)


@final
class PoincareBall(Manifold):
    """The Poincaré ball of curvature κ < 0.

    Args:
        curvature: Sectional curvature κ < 0, in 1 / length²: a number, or a 0-dim tensor. Every
            method gives a tensor its gradient. A tensor is kept and not copied: after a step of an
            optimiser the ball has the new curvature.

    Attributes:
        learned_curvature: The curvature as it was given, for functions that differentiate in it;
            `curvature` is its present value as a number, without gradient.
    """

    def __init__(self, curvature: Curvature = -1.0) -> None:
        root_of(curvature)
        self.learned_curvature = curvature

    @property
    def curvature(self) -> float:
        return value_of(self.learned_curvature)

    def __repr__(self) -> str:
        return f"PoincareBall(curvature={self.curvature:g})"

    def exp_origin(self, u: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return poincare.exp_origin(u, curvature=self.learned_curvature)

    def log_origin(self, points: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return poincare.log_origin(points, curvature=self.learned_curvature)

    def distance(
        self, x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        return poincare.distance(x, y, curvature=self.learned_curvature)

    def code_distance(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        return codes.distance(u, w, curvature=self.learned_curvature)

    def code_add(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch dim"]:
        return codes.add(u, w, curvature=self.learned_curvature)

    def frechet_mean(
        self,
        codes: Float[Tensor, "*batch points dim"],
        weights: Float[Tensor, "*#batch points"] | None = None,
    ) -> Float[Tensor, "*batch dim"]:
        return frechet_mean(codes, weights, curvature=self.learned_curvature)

    def log_volume_ratio(self, distance: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        return log_sinh_ratio(root_of(self.learned_curvature) * distance)


@final
class Euclidean(Manifold):
    """The flat control: what the Poincaré ball tends to as its curvature vanishes (metric 4 I)."""

    @property
    def curvature(self) -> float:
        return 0.0

    def __repr__(self) -> str:
        return "Euclidean()"

    def exp_origin(self, u: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return euclidean.exp_origin(u)

    def log_origin(self, points: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return euclidean.log_origin(points)

    def distance(
        self, x: Float[Tensor, "*#batch dim"], y: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        return euclidean.distance(x, y)

    def code_distance(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch"]:
        return euclidean.distance(u, w)

    def code_add(
        self, u: Float[Tensor, "*#batch dim"], w: Float[Tensor, "*#batch dim"]
    ) -> Float[Tensor, "*batch dim"]:
        return euclidean.mobius_add(u, w)

    def frechet_mean(
        self,
        codes: Float[Tensor, "*batch points dim"],
        weights: Float[Tensor, "*#batch points"] | None = None,
    ) -> Float[Tensor, "*batch dim"]:
        return euclidean.frechet_mean(codes, weights)

    def log_volume_ratio(self, distance: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        return torch.zeros_like(distance)


def manifold(name: Literal["poincare", "euclidean"], *, curvature: Curvature = -1.0) -> Manifold:
    """The manifold of a name.

    Args:
        name: ``"poincare"`` or ``"euclidean"``.
        curvature: Sectional curvature κ < 0 of the ball, in 1 / length²; not read for
            ``"euclidean"``, whose curvature is 0.

    Returns:
        The manifold.

    Raises:
        ValueError: If the name is neither.
    """
    if name == "poincare":
        return PoincareBall(curvature)
    if name == "euclidean":
        return Euclidean()
    raise ValueError(f"name must be 'poincare' or 'euclidean', and is {name!r}. Choose one.")
