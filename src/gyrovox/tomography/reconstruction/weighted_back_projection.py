"""Weighted back-projection: rows filtered, then smeared back along the beam."""

import numpy as np
import torch
from jaxtyping import Float32

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.projection import backproject
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

from .preparation import aligned_contrasts
from .row_filters import RowFilter, filtered_rows


def weighted_back_projection(
    series: TiltSeries,
    shape: tuple[int, int, int],
    *,
    row_filter: RowFilter = "hamming",
    thickness: float | None = None,
    where: torch.device | None = None,
) -> Float32[np.ndarray, "z y x"]:
    """A tomogram from an aligned tilt series.

    Of counts it is contrast per pixel of path, and dense matter is dark in it as in the images.

    Args:
        series: Images and their geometry, as alignment found it.
        shape: Voxels (z, y, x) of the tomogram, as wide as the pixels.
        row_filter: How rows are filtered.
        thickness: Thickness of the specimen in pixels, for the exact filter; by default that of the
            tomogram.
        where: The device to compute on; the CPU by default.

    Returns:
        The tomogram, shape (z, y, x).

    Raises:
        SettingsError: If there is no such filter, or the thickness is not positive.
        TiltSeriesError: If the tomogram has no voxels, or a pixel is not finite.

    Source:
        Radermacher (2006), in Frank, Electron Tomography, 2nd ed., ch. 8.
    """
    if min(shape) < 1:
        raise TiltSeriesError(f"a tomogram must have voxels, got shape {shape}.")
    where = torch.device("cpu") if where is None else where
    width = series.images.shape[2]
    frames = aligned_contrasts(series.images, series.geometry, (shape[1], width), where)
    frames = filtered_rows(
        frames,
        series.geometry.tilt_degrees,
        row_filter,
        thickness=shape[0] if thickness is None else thickness,
    )
    ideal = TiltGeometry.ideal(series.geometry.tilt_degrees)
    return backproject(frames, ideal, shape).cpu().numpy()
