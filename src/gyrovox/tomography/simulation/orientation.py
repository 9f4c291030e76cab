"""Rotations that turn references into particles."""

import numpy as np
from jaxtyping import Float64


def random_rotation(generator: np.random.Generator) -> Float64[np.ndarray, "3 3"]:
    """A rotation drawn evenly from all of them.

    Args:
        generator: Where it is drawn from.

    Returns:
        Rotation matrix on (z, y, x) columns.

    Source:
        Shoemake (1992), Uniform random rotations: a normalised quaternion of four normal numbers.
        https://doi.org/10.1016/B978-0-08-050755-2.50036-1
    """
    w, a, b, c = _unit(generator.standard_normal(4))
    return np.array([
        [1 - 2 * (b * b + c * c), 2 * (a * b - c * w), 2 * (a * c + b * w)],
        [2 * (a * b + c * w), 1 - 2 * (a * a + c * c), 2 * (b * c - a * w)],
        [2 * (a * c - b * w), 2 * (b * c + a * w), 1 - 2 * (a * a + b * b)],
    ])


def random_direction(generator: np.random.Generator) -> Float64[np.ndarray, " 3"]:
    """A unit vector (z, y, x) drawn evenly from the sphere.

    Args:
        generator: Where it is drawn from.

    Returns:
        The vector.
    """
    return _unit(generator.standard_normal(3))


def standing_along(
    direction: Float64[np.ndarray, " 3"], generator: np.random.Generator
) -> Float64[np.ndarray, "3 3"]:
    """A rotation that turns +z to a direction, and about it by a random angle.

    Args:
        direction: Unit vector (z, y, x).
        generator: Where the angle is drawn from.

    Returns:
        Rotation matrix on (z, y, x) columns; its first column is the direction.
    """
    sideways = generator.standard_normal(3)
    across = _unit(sideways - (sideways @ direction) * direction)
    return np.stack([direction, across, np.cross(direction, across)], axis=1)


def leaning(
    direction: Float64[np.ndarray, " 3"], degrees: float, generator: np.random.Generator
) -> Float64[np.ndarray, " 3"]:
    """A direction near another one.

    Args:
        direction: Unit vector (z, y, x).
        degrees: Standard deviation of the lean along each of two axes.
        generator: Where the lean is drawn from.

    Returns:
        Unit vector (z, y, x).
    """
    sideways = generator.standard_normal(3)
    lean = np.deg2rad(degrees) * (sideways - (sideways @ direction) * direction)
    return _unit(direction + lean)


def _unit(vector: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.asarray(vector / np.linalg.norm(vector))
