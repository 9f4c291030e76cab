"""Which tilts a series has, and in which order they are taken."""

import numpy as np
from jaxtyping import Float64, Int64

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import ImagingRecipe


def nominal_tilts(recipe: ImagingRecipe) -> Float64[np.ndarray, " tilts"]:
    """Tilts in degrees, from the first one on as far as whole steps go.

    Args:
        recipe: Range and step.

    Returns:
        Shape (tilts,), rising.
    """
    first, last = recipe.tilt_range_degrees
    count = int((last - first) / recipe.tilt_step_degrees + 1e-9) + 1
    return first + recipe.tilt_step_degrees * np.arange(count)


def acquisition_order(
    tilt_degrees: Float64[np.ndarray, " tilts"], scheme: str
) -> Int64[np.ndarray, " tilts"]:
    """In which order images are taken.

    Args:
        tilt_degrees: Their tilts, rising.
        scheme: ``"one-way"``, or ``"dose-symmetric"``: 0, +, -, --, ++, +++, ....

    Returns:
        Indices of the first, the second, ... image, shape (tilts,).

    Raises:
        SettingsError: If there is no such scheme.

    Source:
        Hagen, Wan & Briggs (2017), figure 1. https://doi.org/10.1016/j.jsb.2016.06.007
    """
    count = len(tilt_degrees)
    if scheme == "one-way":
        return np.arange(count)
    if scheme != "dose-symmetric":
        raise SettingsError(f"scheme must be dose-symmetric or one-way, got {scheme!r}.")
    start = int(np.abs(tilt_degrees).argmin())
    order = [start]
    for step in range(1, count):
        pair = (start + step, start - step) if step % 2 else (start - step, start + step)
        order += [index for index in pair if 0 <= index < count]
    return np.array(order)


def prior_doses(
    doses: Float64[np.ndarray, " tilts"], order: Int64[np.ndarray, " tilts"]
) -> Float64[np.ndarray, " tilts"]:
    """What the specimen had taken before each image.

    Args:
        doses: Electrons per Å² of each image.
        order: Indices of the first, the second, ... image.

    Returns:
        Electrons per Å², shape (tilts,).
    """
    prior = np.empty_like(doses)
    prior[order] = np.cumsum(doses[order]) - doses[order]
    return prior
