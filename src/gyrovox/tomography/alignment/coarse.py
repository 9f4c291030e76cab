"""Coarse alignment: every image against its neighbour, stretched as the tilt wants it."""

import math

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy import ndimage

from gyrovox.progress import track
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .correlation import measured_shift

_PASSES = 3


def align_coarsely(series: TiltSeries, *, quiet: bool = True) -> TiltGeometry:
    """Shifts of all images, from the least tilted one outwards on both sides.

    Each image is compared with its neighbour, which is stretched across the tilt axis by the ratio
    of the cosines: what lies in the middle plane of the specimen then fits.

    Args:
        series: Images, with their nominal tilts and the angle of the tilt axis.
        quiet: Show no progress.

    Returns:
        The same geometry with shifts found; those of the least tilted image stay.

    Source:
        Guckenberger (1982), Ultramicroscopy 9:167.
    """
    geometry = series.geometry
    shifts = np.zeros_like(geometry.shifts)
    order = outwards(geometry.tilt_degrees)
    shifts[order[0][0]] = geometry.shifts[order[0][0]]
    for index, neighbour in track(order[1:], "coarse", len(order) - 1, quiet=quiet, unit="images"):
        shifts[index] = _shift_to(series, index, neighbour, shifts)
    return TiltGeometry(
        tilt_degrees=geometry.tilt_degrees, axis_degrees=geometry.axis_degrees, shifts=shifts
    )


def outwards(tilt_degrees: Float64[np.ndarray, " tilts"]) -> list[tuple[int, int]]:
    """Images from the least tilted one on, each with the one that it is compared with.

    Args:
        tilt_degrees: Tilts in any order, shape (tilts,).

    Returns:
        Pairs of an image and its neighbour towards tilt 0; the first image is its own neighbour.
    """
    order = [int(index) for index in np.argsort(tilt_degrees, kind="stable")]
    middle = min(range(len(order)), key=lambda place: abs(tilt_degrees[order[place]]))
    pairs = [(order[middle], order[middle])]
    for step in range(1, len(order)):
        for place, side in ((middle + step, -1), (middle - step, 1)):
            if 0 <= place < len(order):
                pairs.append((order[place], order[place + side]))
    return pairs


def stretched(
    image: Float32[np.ndarray, "v u"],
    geometry: TiltGeometry,
    start: int,
    end: int,
    *,
    shape: tuple[int, int],
    centre: Float[np.ndarray, " 2"],
    shift: Float[np.ndarray, " 2"],
) -> Float64[np.ndarray, "rows columns"]:
    """What one image shows of the middle plane, seen as another image would show it.

    Args:
        image: The image number `start`, shape (v, u).
        geometry: How images were taken; its shifts are not used.
        start: Number of the image.
        end: Number of the other one, whose tilt it is brought to.
        shape: Pixels of what comes back.
        centre: What is to lie in its middle: (v, u) from the centre of the other image, before its
            shift.
        shift: Shift (v, u) of the image.

    Returns:
        Shape `shape`; outside of the image, its edge goes on.
    """
    # From the detector of `end` to the specimen's plane, and on to the detector of `start`.
    back = plane_to_detector(geometry, start) @ np.linalg.inv(plane_to_detector(geometry, end))
    middle_of_image = np.array(image.shape) // 2
    offset = middle_of_image + shift + back @ (centre - np.array(shape) // 2)
    found: Float64[np.ndarray, "rows columns"] = ndimage.affine_transform(
        image.astype(np.float64), back, offset, shape, order=1, mode="nearest"
    )
    return found


def plane_to_detector(geometry: TiltGeometry, index: int) -> Float64[np.ndarray, "2 2"]:
    """What takes (y, x) of the specimen's middle plane to its (v, u), before the shift."""
    cosine, sine = (f(math.radians(geometry.axis_degrees[index])) for f in (math.cos, math.sin))
    shrink = math.cos(math.radians(geometry.tilt_degrees[index]))
    return np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([1.0, shrink])


def _shift_to(
    series: TiltSeries, index: int, neighbour: int, shifts: Float64[np.ndarray, "tilts 2"]
) -> Float64[np.ndarray, " 2"]:
    image = series.images[index]
    shape, centre = (image.shape[0], image.shape[1]), np.zeros(2)
    reference = stretched(
        series.images[neighbour],
        series.geometry,
        neighbour,
        index,
        shape=shape,
        centre=centre,
        shift=shifts[neighbour],
    )
    found = shifts[index]
    for _ in range(_PASSES):
        # What is far away at first lies partly outside of the window, which draws it back.
        moved = stretched(
            image, series.geometry, index, index, shape=shape, centre=centre, shift=found
        )
        found = found + measured_shift(moved, reference)[0]
    return np.asarray(found)
