"""Gold beads taken out of the images of a series, before they cross the whole tomogram."""

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import SettingsError
from gyrovox.progress import track
from gyrovox.tomography.alignment.beads import located_beads
from gyrovox.tomography.gold import erase_gold, find_gold
from gyrovox.tomography.reconstruction.preparation import ImageStep
from gyrovox.tomography.tilt_series import TiltSeries


def gold_erased(
    series: TiltSeries, diameter_nm: float, *, seed: int, quiet: bool = True
) -> tuple[ImageStep, int]:
    """A step that erases beads: where an image shows them, and where the others say that they are.

    Args:
        series: The aligned series.
        diameter_nm: Of a bead.
        seed: Of the noise that takes their place.
        quiet: Show no progress.

    Returns:
        The step, and how many beads there are in the specimen.

    Raises:
        SettingsError: If a bead is less than 2 pixels wide, or the seed is negative.
    """
    if seed < 0:
        raise SettingsError(f"the seed must not be negative, got {seed}.")
    diameter = diameter_nm / series.pixel_size_nm
    centre = np.array(series.images.shape[1:]) // 2
    found = [
        find_gold(image, diameter) - centre
        for image in track(series.images, "gold", len(series), quiet=quiet, unit="images")
    ]
    beads = located_beads(found, series.geometry, diameter)
    foretold = series.geometry.project(beads)

    def step(index: int, image: np.ndarray) -> np.ndarray:
        places = _joined(found[index], foretold[index], diameter / 2) + centre
        return erase_gold(image, places, diameter, seed=seed + index)

    return step, len(beads)


def _joined(
    found: Float64[np.ndarray, "found 2"], foretold: Float64[np.ndarray, "beads 2"], near: float
) -> Float64[np.ndarray, "places 2"]:
    """What was found, and what was foretold and not found."""
    if not len(found):
        return foretold
    distance = np.linalg.norm(foretold[:, None] - found[None], axis=2).min(axis=1)
    return np.concatenate([found, foretold[distance > near]])
