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

_ROUNDS = 6
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
    best, best_moved = series.geometry, _all_moved(series, depth, 0, quiet=quiet)
    share = 1.0
    for turn in range(1, _ROUNDS):
        step = share * _step(best_moved, best)
        geometry = replace(best, shifts=best.shifts + step)
        moved = _all_moved(replace(series, geometry=geometry), depth, turn, quiet=quiet)
        if np.square(moved).sum() < np.square(best_moved).sum():
            best, best_moved = geometry, moved
        else:  # farther than neighbours had in common
            share /= 2
    return best


def _step(
    moved: Float64[np.ndarray, "tilts 2"], geometry: TiltGeometry
) -> Float64[np.ndarray, "tilts 2"]:
    order = np.argsort(geometry.tilt_degrees, kind="stable")
    shared = np.empty_like(moved)
    shared[order] = ndimage.gaussian_filter1d(moved[order], _NEIGHBOURS, axis=0, mode="nearest")
    step = _OWN * moved + _SHARED * shared
    return np.asarray(step - step[outwards(geometry.tilt_degrees)[0][0]])


def _all_moved(
    series: TiltSeries, depth: int, turn: int, *, quiet: bool
) -> Float64[np.ndarray, "tilts 2"]:
    """By how much each image lies beside what the others say."""
    expected = reprojections(series, depth, description=f"matching {turn + 1}", quiet=quiet)
    return np.stack([_moved(series, index, image) for index, image in enumerate(expected)])


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
