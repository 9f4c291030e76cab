"""Tilt series with fewer, larger pixels, and geometries brought from one pixel size to another."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from gyrovox.errors import SettingsError

from .tilt_geometry import TiltGeometry
from .tilt_series import TiltSeries


def binned(series: TiltSeries, factor: int) -> TiltSeries:
    """A series whose pixels are means of ``factor`` x ``factor`` pixels.

    Args:
        series: Images and geometry; rows and columns beyond a multiple of the factor are left out.
        factor: How many, at least 1.

    Returns:
        The series with larger pixels; its geometry shows the same specimen.

    Raises:
        SettingsError: If the factor is below 1, or leaves less than 8 pixels.
    """
    count, height, width = series.images.shape
    if factor < 1 or min(height, width) // factor < 8:
        raise SettingsError(
            f"binning must be at least 1 and leave at least 8 pixels of {height} x {width}, got "
            f"{factor}."
        )
    if factor == 1:
        return series
    rows, columns = height // factor, width // factor
    images = np.empty((count, rows, columns), np.float32)
    for index, image in enumerate(series.images):
        kept = image[: rows * factor, : columns * factor]
        images[index] = kept.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    shifts = (series.geometry.shifts + _centre_moved((height, width), factor)) / factor
    return replace(
        series,
        images=images,
        geometry=replace(series.geometry, shifts=shifts),
        pixel_size_nm=series.pixel_size_nm * factor,
    )


def unbinned(geometry: TiltGeometry, factor: int, image_shape: tuple[int, int]) -> TiltGeometry:
    """A geometry that was found with larger pixels, in the original ones.

    Args:
        geometry: Of the binned series.
        factor: By how much that was binned.
        image_shape: Pixels (v, u) of the original images.

    Returns:
        The geometry of the original series.
    """
    shifts = geometry.shifts * factor - _centre_moved(image_shape, factor)
    return replace(geometry, shifts=shifts)


def _centre_moved(image_shape: tuple[int, int], factor: int) -> Float64[np.ndarray, " 2"]:
    """How far the centre of the binned image lies before that of the original, in its pixels."""
    centres = [
        side // 2 - (side // factor // 2 * factor + (factor - 1) / 2) for side in image_shape
    ]
    return np.array(centres)
