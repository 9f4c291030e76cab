"""What images become before they are projected back: contrasts, aligned with the specimen."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from gyrovox.errors import TiltSeriesError
from gyrovox.progress import track
from gyrovox.tomography.in_plane import aligned
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries

ImageStep = Callable[[int, np.ndarray], np.ndarray]
"""What is done to the contrasts of image number i, shape (v, u), before they are aligned."""


def contrast(image: Float32[np.ndarray, "v u"]) -> Float32[np.ndarray, "v u"]:
    """An image of mean 0; of counts, as a share of their mean.

    Counts have no negative values. Images that have some were normalised before, and their scale
    is kept.

    Args:
        image: An image as it was taken, shape (v, u).

    Returns:
        Shape (v, u).

    Raises:
        TiltSeriesError: If a pixel is not finite.
    """
    mean = float(image.mean(dtype=np.float64))
    if not np.isfinite(mean):
        raise TiltSeriesError("the pixels of an image must be finite, and some are not.")
    scale = mean if image.min() >= 0 and mean > 0 else 1.0
    return ((image - mean) / scale).astype(np.float32)


def aligned_contrast(
    series: TiltSeries,
    index: int,
    frame_shape: tuple[int, int],
    *,
    steps: Sequence[ImageStep] = (),
    where: torch.device,
) -> Float32[Tensor, "y s"]:
    """Contrasts of one image, turned and shifted so that the tilt axis stands along y.

    Args:
        series: The aligned tilt series.
        index: Which image.
        frame_shape: Rows and columns (y, s) of what comes back.
        steps: What is done to the contrasts before.
        where: The device that it is to lie on.

    Returns:
        Shape (y, s); 0, the mean, where nothing was seen.

    Raises:
        TiltSeriesError: If a pixel is not finite.
    """
    image = contrast(series.images[index])
    for step in steps:
        image = step(index, image)
    geometry = series.geometry.chosen(np.array([index]))
    return aligned(torch.from_numpy(image).to(where)[None], geometry, frame_shape)[0]


def frame_width(geometry: TiltGeometry, image_shape: tuple[int, int]) -> int:
    """Columns of aligned images that hold all that was seen, however the images are turned.

    Args:
        geometry: How each image was taken.
        image_shape: Pixels (v, u) of an image.

    Returns:
        Columns, with the same parity as u.
    """
    turn = np.deg2rad(geometry.axis_degrees)
    height, width = image_shape
    widest = (height * np.abs(np.sin(turn)) + width * np.abs(np.cos(turn))).max()
    return width + 2 * math.ceil((float(widest) - width) / 2 - 1e-6)


def stored_rows(
    series: TiltSeries,
    height: int,
    columns: int,
    *,
    change: Callable[[int, Tensor], Tensor] | None = None,
    samples_per_pixel: int = 1,
    steps: Sequence[ImageStep] = (),
    where: torch.device,
    store: Callable[[tuple[int, int, int]], np.ndarray] | None = None,
    quiet: bool = False,
) -> Float32[np.ndarray, "tilts samples y"]:
    """Aligned contrasts of all images, laid out so that what is read together lies together.

    Args:
        series: The aligned tilt series, whose images are taken one by one.
        height: Rows y of the aligned images.
        columns: Their columns s.
        change: What is done to each aligned image, which gives `samples_per_pixel` samples a pixel.
        samples_per_pixel: Samples along s for each pixel.
        steps: What is done to the contrasts of each image before it is aligned.
        where: The device to compute on.
        store: Gives a float32 array of a shape, such as a memory map; memory by default.
        quiet: Show no progress.

    Returns:
        Shape (tilts, columns · samples_per_pixel, height).

    Raises:
        TiltSeriesError: If a pixel is not finite.
    """
    shape = (len(series), columns * samples_per_pixel, height)
    rows = np.empty(shape, np.float32) if store is None else store(shape)
    for index in track(range(len(series)), "aligning", len(series), quiet=quiet, unit="images"):
        frame = aligned_contrast(series, index, (height, columns), steps=steps, where=where)
        changed = frame if change is None else change(index, frame)
        rows[index] = changed.T.cpu().numpy()
    return rows
