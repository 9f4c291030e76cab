"""What images become before they are projected back: contrasts, aligned with the specimen."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.in_plane import aligned
from gyrovox.tomography.tilt_geometry import TiltGeometry


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


def aligned_contrasts(
    images: Float32[np.ndarray, "tilts v u"],
    geometry: TiltGeometry,
    frame_shape: tuple[int, int],
    where: torch.device,
) -> Float32[Tensor, "tilts y s"]:
    """Contrasts of all images, turned and shifted so that the tilt axis stands along y.

    Args:
        images: Images as they were taken, shape (tilts, v, u).
        geometry: How each was taken.
        frame_shape: Rows and columns (y, s) of what comes back.
        where: The device that it is to lie on.

    Returns:
        Shape (tilts, y, s); 0, the mean, where nothing was seen.

    Raises:
        TiltSeriesError: If a pixel is not finite.
    """
    frames = torch.empty((len(images), *frame_shape), device=where)
    for index, image in enumerate(images):
        seen = torch.from_numpy(contrast(image)).to(where)
        one = TiltGeometry(
            tilt_degrees=geometry.tilt_degrees[index : index + 1],
            axis_degrees=geometry.axis_degrees[index : index + 1],
            shifts=geometry.shifts[index : index + 1],
        )
        frames[index] = aligned(seen[None], one, frame_shape)[0]
    return frames
