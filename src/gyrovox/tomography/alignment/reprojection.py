"""What the specimen should look like in each image, as far as the other images know it."""

import numpy as np
import torch
from jaxtyping import Float32

from gyrovox.progress import track
from gyrovox.tomography.in_plane import to_detector
from gyrovox.tomography.projection import backproject, project
from gyrovox.tomography.ray_weights import RayWeights
from gyrovox.tomography.reconstruction.preparation import aligned_contrast, frame_width
from gyrovox.tomography.reconstruction.row_filters import filtered, padded_samples, row_weights
from gyrovox.tomography.tilt_geometry import TiltGeometry
from gyrovox.tomography.tilt_series import TiltSeries


def reprojections(
    series: TiltSeries, depth: int, *, description: str = "reprojecting", quiet: bool = True
) -> Float32[np.ndarray, "tilts v u"]:
    """Each image as it is expected: a projection of what the others reconstruct.

    An image's own part of the tomogram is taken away before, or it would be found where it is.

    Args:
        series: Images and the geometry that they are thought to have.
        depth: Thickness of the specimen in pixels.
        description: What to call it while it lasts.
        quiet: Show no progress.

    Returns:
        Contrasts, shape (tilts, v, u).
    """
    cpu = torch.device("cpu")
    count, height, width = series.images.shape
    geometry = series.geometry
    columns = frame_width(geometry, (height, width))
    rows = frame_width(geometry, (width, height))
    weights = row_weights(
        "hamming", geometry.tilt_degrees, padded_samples(columns), thickness=float(depth)
    )
    frames = torch.stack([
        filtered(aligned_contrast(series, index, (rows, columns), where=cpu), weights[index])
        for index in range(count)
    ])
    ideal = TiltGeometry.ideal(geometry.tilt_degrees)
    expected = project(backproject(frames, ideal, (depth, rows, columns)), ideal, (rows, columns))
    z_range = (-(depth // 2), depth - depth // 2)
    for index in track(range(count), description, count, quiet=quiet, unit="images"):
        tilt = geometry.tilt_degrees[index : index + 1]
        rays = RayWeights(tilt, z_range, columns, columns)
        expected[index] -= rays.project(rays.backproject(frames[index].T)).T
    return to_detector(expected, geometry, (height, width)).numpy()
