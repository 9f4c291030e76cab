"""A microtubule as geometry: a straight tube fitted to grey values, without a segmentation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

_STEP = 2  # voxels between the sections that are looked at
_ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)


@dataclass(frozen=True)
class Tube:
    """A straight hollow tube through a volume, mostly along y.

    Args:
        centre: Where its axis cuts the middle section, (z, x) in voxels.
        slope: How far the axis moves along (z, x) for a voxel along y.
        inner: Radius of the lumen, in voxels.
        outer: Radius of the outer wall, in voxels.
    """

    centre: tuple[float, float]
    slope: tuple[float, float]
    inner: float
    outer: float

    def distances(self, shape: tuple[int, int, int]) -> NDArray[np.float64]:
        """Distance of every voxel from the axis, in voxels, shape (z, y, x)."""
        z, y, x = np.indices(shape, dtype=np.float64)
        along = y - shape[1] // 2
        offset = np.stack([z - self.centre[0], along, x - self.centre[1]])
        direction = np.array([self.slope[0], 1.0, self.slope[1]])
        direction /= np.linalg.norm(direction)
        length = np.einsum("d,dzyx->zyx", direction, offset)
        return np.sqrt(np.maximum((offset**2).sum(axis=0) - length**2, 0))

    def wall(self, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        """The voxels of tubulin."""
        distance = self.distances(shape)
        return (distance >= self.inner) & (distance <= self.outer)

    def filled(self, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
        """The voxels of tubulin and lumen."""
        return self.distances(shape) <= self.outer


def fitted_tube(
    bright: NDArray[np.float32], *, inner: float, outer: float
) -> tuple[Tube, NDArray[np.float64]]:
    """The axis along which a tube of given radii is brightest against lumen and surroundings.

    Args:
        bright: Grey values (z, y, x), dense matter bright.
        inner: Radius of the lumen, in voxels.
        outer: Radius of the outer wall, in voxels.

    Returns:
        The tube, and the mean grey value at every whole distance from its axis, in voxels.
    """
    smooth = ndimage.gaussian_filter(bright, 1.0)
    depth, height, width = bright.shape
    sections = np.arange(0, height, _STEP)
    wall, lumen = np.linspace(inner, outer, 4), np.linspace(1, inner - 1.5, 4)
    outside = np.linspace(outer + 2, outer + 6, 4)

    def contrast(pose: NDArray[np.float64]) -> float:
        z, x = (pose[axis] + pose[axis + 2] * (sections - height // 2) for axis in (0, 1))
        means = []
        for radii in (wall, lumen, outside):
            places = [
                np.broadcast_to(sections[:, None, None], (len(sections), len(radii), 36)),
                z[:, None, None] + radii[:, None] * np.sin(_ANGLES),
                # The section at right angles to y is longer where the axis leans along x.
                x[:, None, None] + radii[:, None] * np.cos(_ANGLES) * np.hypot(1, pose[3]),
            ]
            order = np.stack([places[1], places[0], places[2]])
            means.append(ndimage.map_coordinates(smooth, order, order=1, mode="nearest").mean())
        return -(means[0] - (means[1] + means[2]) / 2)

    starts = np.stack(
        np.meshgrid(
            np.arange(depth * 0.4, depth * 0.61, 4.0),
            np.arange(outer, width - outer + 1, 5.0),
            (0.0,),
            np.arange(-0.45, 0.46, 0.15),
            indexing="ij",
        ),
        axis=-1,
    ).reshape(-1, 4)
    best = sorted(starts, key=contrast)[:5]
    found = min(
        (optimize.minimize(contrast, one, method="Nelder-Mead") for one in best),
        key=lambda one: float(one.fun),
    )
    z, x, slope_z, slope_x = (float(value) for value in found.x)
    tube = Tube((z, x), (slope_z, slope_x), inner, outer)
    rounded = np.rint(tube.distances(bright.shape)).astype(int)
    profile = ndimage.mean(bright, rounded, np.arange(int(outer) + 9))
    return tube, np.asarray(profile)
