"""The three orthogonal middle slices of a volume, as they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Shaped

from gyrovox.volumes.region import Region
from gyrovox.volumes.volume import Volume

# In the world of these formats y and z point up, as 3dmod and ITK-SNAP show them.
_UPWARD_WORLD = (".nii", ".nii.gz", ".mrc", ".rec", ".map", ".st", ".ali", ".mrcs")


@dataclass(frozen=True)
class Plane:
    """One middle slice: the axis that it is cut across, and how its rows and columns are shown."""

    name: str
    """The axes that are seen, columns first: ``"xy"``, ``"xz"`` or ``"yz"``."""

    axis: int
    """The axis (0 = z, 1 = y, 2 = x) that the slice is cut across."""

    index: int
    """Voxel of that axis."""

    rows: int
    """The axis that runs down the picture."""

    columns: int
    """The axis that runs along it."""

    extent: tuple[float, float]
    """(height, width) of the picture, in nm; in voxels where their size is unknown."""

    from_below: bool
    """Whether the first row is shown at the bottom."""

    def region(self, shape: tuple[int, int, int]) -> Region:
        """The box of voxels of this slice in a volume of `shape` (z, y, x)."""
        start, stop = [0, 0, 0], list(shape)
        start[self.axis], stop[self.axis] = self.index, self.index + 1
        return Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def of(self, array: Shaped[np.ndarray, "z y x"]) -> Shaped[np.ndarray, "rows columns"]:
        """This slice of an array of the volume's shape, as it is shown."""
        return self.shown(np.take(array, self.index, axis=self.axis))

    def shown(self, flat: Shaped[np.ndarray, "first second"]) -> Shaped[np.ndarray, "rows columns"]:
        """A slice whose axes are in the order (z, y, x), turned as it is shown."""
        turned = flat if self.rows < self.columns else flat.T
        return turned[::-1] if self.from_below else turned


def middle_planes(volume: Volume) -> tuple[Plane, Plane, Plane]:
    """The three orthogonal slices through the middle of a volume.

    Args:
        volume: What is to be shown.

    Returns:
        The slices xy, xz and yz.
    """
    shape = volume.spatial_shape
    size = volume.voxel_size_nm or (1.0, 1.0, 1.0)
    upward = volume.path is not None and volume.path.name.lower().endswith(_UPWARD_WORLD)

    def plane(name: str, axis: int, rows: int, columns: int) -> Plane:
        extent = (shape[rows] * size[rows], shape[columns] * size[columns])
        along = volume.affine[:3, rows]  # where the rows run in the world
        from_below = upward == bool(along[np.abs(along).argmax()] > 0)
        return Plane(name, axis, shape[axis] // 2, rows, columns, extent, from_below)

    return plane("xy", 0, 1, 2), plane("xz", 1, 0, 2), plane("yz", 2, 0, 1)


def grey_slices(
    volume: Volume, planes: tuple[Plane, ...], *, channel: int = 0
) -> list[Float[np.ndarray, "_ _"]]:
    """The slices of one channel, stretched to 0..1 over all of them alike.

    Args:
        volume: What is to be shown; only the slices are read.
        planes: Which slices.
        channel: Which channel.

    Returns:
        Grey values in 0..1 by plane, as they are shown.
    """
    slices = []
    for plane in planes:
        voxels = volume.read(plane.region(volume.spatial_shape))[channel]
        slices.append(plane.shown(voxels.squeeze(axis=plane.axis).astype(np.float32)))
    return stretched(slices)


def stretched(slices: Sequence[Float[np.ndarray, "_ _"]]) -> list[Float[np.ndarray, "_ _"]]:
    """Slices of one image, stretched to 0..1 over all of them alike.

    Args:
        slices: Grey values in any unit.

    Returns:
        Grey values in 0..1; what is not finite is 0.
    """
    values = np.concatenate([flat[np.isfinite(flat)] for flat in slices])
    low, high = np.percentile(values, (0.5, 99.5)) if len(values) else (0.0, 1.0)
    if high <= low:  # a few bright voxels in a flat slice
        low, high = float(values.min(initial=0)), float(values.max(initial=1))
    spread = max(float(high - low), float(np.finfo(np.float32).tiny))
    return [np.clip((np.nan_to_num(flat, nan=low) - low) / spread, 0, 1) for flat in slices]


def tinted(
    grey: Float[np.ndarray, "rows columns"],
    labels: Integer[np.ndarray, "rows columns"],
    colours: Float[np.ndarray, "classes 3"],
    *,
    strength: float = 0.85,
) -> Float[np.ndarray, "rows columns 3"]:
    """Grey values with the colours of their classes laid over them.

    Args:
        grey: Grey values in 0..1.
        labels: 0-based classes.
        colours: Colour of each class, sRGB in 0..1.
        strength: Share of the colour, 0 to 1.

    Returns:
        sRGB in 0..1.
    """
    # Shading instead of plain mixing: structure stays visible inside a class, and hues stay clear.
    shade = (0.78 + 0.34 * grey)[..., np.newaxis]
    mixed = strength * colours[labels] * shade + (1 - strength) * grey[..., np.newaxis]
    np.clip(mixed, 0, 1, out=mixed)
    return np.asarray(mixed)
