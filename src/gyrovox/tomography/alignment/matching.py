"""Projection matching: every image against what the others say that it should look like."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64
from scipy import ndimage

from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .coarse import outwards, stretched
from .correlation import measured_shift
from .reprojection import reprojections

_ROUNDS = 5
_OWN, _SHARED = 0.8, 4.0
_NEIGHBOURS = 4.0  # images, as a standard deviation
_FARTHEST = 0.06  # of an image's side


def match_projections(series: TiltSeries, depth: int, *, quiet: bool = True) -> TiltGeometry:
    """Shifts under which images agree with the tomogram that the others make.

    An error that neighbours share is in the tomogram too, so that little of it is seen at a time:
    what they have in common is corrected by several times what is measured.

    Args:
        series: Images, with shifts that are right within some pixels.
        depth: Thickness of the specimen in pixels.
        quiet: Show no progress.

    Returns:
        The geometry with better shifts.

    Source:
        Yang et al. (2005), J. Struct. Biol. 149:53 (alignment to projections of the model).
    """
    geometry = series.geometry
    order = np.argsort(geometry.tilt_degrees, kind="stable")
    middle = outwards(geometry.tilt_degrees)[0][0]
    for turn in range(_ROUNDS):
        now = replace(series, geometry=geometry)
        expected = reprojections(now, depth, description=f"matching {turn + 1}", quiet=quiet)
        moved = np.stack([_moved(now, index, image) for index, image in enumerate(expected)])
        shared = np.empty_like(moved)
        shared[order] = ndimage.gaussian_filter1d(moved[order], _NEIGHBOURS, axis=0, mode="nearest")
        step = _OWN * moved + _SHARED * shared
        geometry = replace(geometry, shifts=geometry.shifts + step - step[middle])
    return geometry


def _moved(
    series: TiltSeries, index: int, expected: Float32[np.ndarray, "v u"]
) -> Float64[np.ndarray, " 2"]:
    """By how much an image lies beside what was expected, both seen in the expected place."""
    image, geometry = series.images[index], series.geometry
    height, width = image.shape
    seen, wanted = (
        stretched(
            pixels,
            geometry,
            index,
            index,
            shape=(height, width),
            centre=np.zeros(2),
            shift=geometry.shifts[index],
        )
        for pixels in (image, expected)
    )
    return measured_shift(seen, wanted, farthest=_FARTHEST * min(height, width))[0]
