"""Rotations that are spread evenly over all that there are."""

import math

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from gyrovox.errors import SettingsError

# Constants of the spiral: the one turns evenly over a circle, the other over both circles.
_PHI = math.sqrt(2.0)
_PSI = 1.533751168755204288118041


def rotation_count(step_degrees: float) -> int:
    r"""How many rotations there are if each takes a ball as wide as a step.

    .. math::
        n = \frac{8 π^2}{θ^3}

    the volume of all rotations, with lengths the angles of turns, over that of a cube of side θ.

    Args:
        step_degrees: Angle θ from one rotation to the next; 360 for only one.

    Returns:
        The number, at least 1.

    Raises:
        SettingsError: If the angle is not above 0 and at most 360 degrees.
    """
    if not 0 < step_degrees <= 360:
        raise SettingsError(
            f"the step from one rotation to the next must be above 0 and at most 360 degrees, got "
            f"{step_degrees:g}."
        )
    if step_degrees == 360:
        return 1
    return max(2, math.ceil(8 * math.pi**2 / math.radians(step_degrees) ** 3))


def even_rotations(step_degrees: float) -> Float64[np.ndarray, "rotations 3 3"]:
    """Rotations about `step_degrees` from each other, everywhere alike.

    Args:
        step_degrees: Angle from one to the next; 360 gives only the identity.

    Returns:
        Matrices on (z, y, x) columns, shape ``(rotations, 3, 3)``; the identity comes first.

    Raises:
        SettingsError: If the angle is not above 0 and at most 360 degrees.

    Source:
        Alexa (2022), Super-Fibonacci spirals: fast, low-discrepancy sampling of SO(3).
        https://doi.org/10.1109/CVPR52688.2022.00811
    """
    count = rotation_count(step_degrees)
    if count == 1:
        return np.eye(3)[None]
    number = np.arange(count) + 0.5
    height = number / count
    low, high = np.sqrt(height), np.sqrt(1 - height)
    first, second = 2 * np.pi * number / _PHI, 2 * np.pi * number / _PSI
    quaternions = np.stack(
        [
            low * np.sin(first),
            low * np.cos(first),
            high * np.sin(second),
            high * np.cos(second),
        ],
        axis=-1,
    )
    spread = Rotation.from_quat(quaternions)
    # Turned as a whole, so that the template as it is, often the best guess, is among them.
    matrices: Float64[np.ndarray, "rotations 3 3"] = (spread * spread[0].inv()).as_matrix()
    return matrices
