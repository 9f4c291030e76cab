"""The one check that every function of a curved space makes of its curvature."""

import math


def root_of(curvature: float) -> float:
    """Square root s of the negative of a sectional curvature, s = √−κ.

    Args:
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        s > 0, in 1 / length.

    Raises:
        ValueError: If ``curvature`` is not a finite negative number.
    """
    if not (curvature < 0 and math.isfinite(curvature)):
        raise ValueError(
            f"curvature must be negative and finite in hyperbolic space, and is {curvature}. "
            f"Give κ < 0 (it is the sectional curvature, −c), or use the Euclidean twin for κ = 0."
        )
    return math.sqrt(-curvature)
