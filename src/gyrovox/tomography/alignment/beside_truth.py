"""How far an alignment is from the true one, whatever frame each of them counts in."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float64
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography.tilt_geometry import TiltGeometry


@final
@dataclass(frozen=True, eq=False)
class AlignmentError:
    """What is left between two alignments once the specimen is turned and moved as suits best.

    Images do not tell where the specimen's middle is nor which way it lies, so neither is an error.

    Args:
        rotation: Turns centred points (z, y, x) of the true frame into the found one, (3, 3).
        shift: Moves them then, (z, y, x) in pixels.
        distances: Root mean square over points of how far their places lie apart in each image, in
            pixels, shape (tilts,).
    """

    rotation: Float64[np.ndarray, "3 3"]
    shift: Float64[np.ndarray, " 3"]
    distances: Float64[np.ndarray, " tilts"]

    @property
    def mean(self) -> float:
        """Root mean square over all images, in pixels."""
        return float(np.sqrt((self.distances**2).mean()))

    def moved(self, points: Float64[np.ndarray, "points 3"]) -> Float64[np.ndarray, "points 3"]:
        """Where centred points (z, y, x) of the true frame lie in the found one."""
        return np.asarray(points @ self.rotation.T + self.shift)


def alignment_error(
    found: TiltGeometry, true: TiltGeometry, shape: tuple[int, int, int]
) -> AlignmentError:
    """Compare an alignment with the true one.

    Args:
        found: What was found.
        true: How the images were taken.
        shape: Voxels (z, y, x) of the specimen, whose corners and middles of faces are compared.

    Returns:
        What is left between them.

    Raises:
        TiltSeriesError: If they are of different numbers of images.
    """
    if len(found) != len(true):
        raise TiltSeriesError(
            f"alignments that are compared must be of the same images, and have {len(found)} and "
            f"{len(true)}."
        )
    steps = np.stack(np.meshgrid(*[(-0.5, 0.0, 0.5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = steps * np.array(shape, np.float64)
    places = true.project(points)

    def apart(motion: Float64[np.ndarray, " 6"]) -> Float64[np.ndarray, "tilts points 2"]:
        turned = points @ Rotation.from_rotvec(motion[:3]).as_matrix().T + motion[3:]
        gaps: Float64[np.ndarray, "tilts points 2"] = found.project(turned) - places
        return gaps

    # A turn by 1 moves the corners by half the specimen, a shift by 1 by one pixel.
    scale = np.array([2 / max(shape)] * 3 + [1.0] * 3)
    solved = least_squares(lambda motion: apart(motion).ravel(), np.zeros(6), x_scale=scale).x
    distances = np.sqrt((apart(solved) ** 2).sum(axis=-1).mean(axis=-1))
    return AlignmentError(Rotation.from_rotvec(solved[:3]).as_matrix(), solved[3:], distances)
