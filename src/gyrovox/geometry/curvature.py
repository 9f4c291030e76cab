"""What a curvature may be, and the one check that every function of a curved space makes of it."""

import math
from typing import TypeAlias, overload

import torch
from jaxtyping import Float
from torch import Tensor

Curvature: TypeAlias = float | Float[Tensor, ""]
"""Sectional curvature κ < 0: a number, or a 0-dim tensor that may be learned."""


@overload
def root_of(curvature: float) -> float: ...


@overload
def root_of(curvature: Float[Tensor, ""]) -> Float[Tensor, ""]: ...


def root_of(curvature: Curvature) -> Curvature:
    """Square root s of the negative of a sectional curvature, s = √−κ.

    Args:
        curvature: Sectional curvature κ < 0, in 1 / length²: a number, or a 0-dim tensor, which
            gets its gradient. To look at a tensor on a GPU waits for the GPU; inside a graph of
            ``torch.compile`` its value is not looked at.

    Returns:
        s > 0, in 1 / length: a number, or a tensor of the curvature's dtype.

    Raises:
        ValueError: If ``curvature`` is not one finite negative number.
    """
    if isinstance(curvature, Tensor):
        if curvature.ndim:
            raise ValueError(
                f"curvature must be one number or a 0-dim tensor, and has shape "
                f"{tuple(curvature.shape)}. One space has one curvature: index or reshape it."
            )
        if not torch.compiler.is_compiling():
            _check(value_of(curvature))
        return (-curvature).sqrt()
    _check(curvature)
    return math.sqrt(-curvature)


def value_of(curvature: Curvature) -> float:
    """A curvature as a number, without its gradient.

    Args:
        curvature: Sectional curvature κ, in 1 / length², not checked here.

    Returns:
        κ.
    """
    return float(curvature.detach()) if isinstance(curvature, Tensor) else curvature


def in_double(curvature: Curvature) -> Curvature:
    """The curvature in float64, before its root is taken: for what is computed in float64.

    Args:
        curvature: Sectional curvature κ, in 1 / length², not checked here.

    Returns:
        κ, as a float64 tensor if it came as a tensor.
    """
    return curvature.double() if isinstance(curvature, Tensor) else curvature


def _check(curvature: float) -> None:
    """Refuse what is no curvature of a hyperbolic space; false for NaN too.

    Raises:
        ValueError: If it is not a finite negative number.
    """
    if not -math.inf < curvature < 0:
        raise ValueError(
            f"curvature must be negative and finite in hyperbolic space, and is {curvature}. "
            f"Give κ < 0 (it is the sectional curvature, −c), or use the Euclidean twin for κ = 0."
        )
