"""Weighted back-projection: rows filtered, then smeared back along the beam."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.tilt_series import TiltSeries
from gyrovox.volumes import Region

from .preparation import ImageStep, frame_width, stored_rows
from .row_filters import RowFilter, filtered, padded_samples, row_weights
from .row_smearing import SmearedRows

_SAMPLES_PER_PIXEL = 2  # with one, a third of the correlation at Nyquist is lost between samples


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
    rows = smeared_rows(
        series, shape, row_filter=row_filter, thickness=thickness, where=where, quiet=True
    )
    voxels: Float32[np.ndarray, "z y x"] = rows.read(Region.whole(shape))[0]
    return voxels


def smeared_rows(
    series: TiltSeries,
    shape: tuple[int, int, int],
    *,
    row_filter: RowFilter = "hamming",
    thickness: float | None = None,
    steps: Sequence[ImageStep] = (),
    where: torch.device | None = None,
    store: Callable[[tuple[int, int, int]], np.ndarray] | None = None,
    quiet: bool = False,
) -> SmearedRows:
    """The same tomogram, to be read a region at a time; images are taken one by one.

    Args:
        series: Images, which may be a memory map, and their geometry.
        shape: Voxels (z, y, x) of the tomogram.
        row_filter: How rows are filtered.
        thickness: Thickness of the specimen in pixels, for the exact filter.
        steps: What is done to the contrasts of each image before.
        where: The device to compute on; the CPU by default.
        store: Gives a float32 array of a shape for the filtered rows, such as a memory map; memory
            by default.
        quiet: Show no progress.

    Returns:
        The source of its voxels.

    Raises:
        SettingsError: If there is no such filter, or the thickness is not positive.
        TiltSeriesError: If the tomogram has no voxels, or a pixel is not finite.
    """
    if min(shape) < 1:
        raise TiltSeriesError(f"a tomogram must have voxels, got shape {shape}.")
    where = torch.device("cpu") if where is None else where
    tilt_degrees = series.geometry.tilt_degrees
    _, height, width = series.images.shape
    columns = frame_width(series.geometry, (height, width))
    weights = row_weights(
        row_filter,
        tilt_degrees,
        padded_samples(columns),
        thickness=float(shape[0]) if thickness is None else thickness,
    )

    def change(index: int, frame: Tensor) -> Tensor:
        return filtered(frame, weights[index], samples_per_pixel=_SAMPLES_PER_PIXEL)

    rows = stored_rows(
        series,
        shape[1],
        columns,
        change=change,
        samples_per_pixel=_SAMPLES_PER_PIXEL,
        steps=steps,
        where=where,
        store=store,
        quiet=quiet,
    )
    return SmearedRows(rows, tilt_degrees, shape, samples_per_pixel=_SAMPLES_PER_PIXEL, where=where)
