"""Sub-volumes: small boxes cut out of a tomogram around particles, turned as those are."""

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy import ndimage

from gyrovox.errors import ParticleError, SettingsError
from gyrovox.progress import track
from gyrovox.volumes import ParticleTable, Region, Volume

from .picking.tomogram_grid import Contrast, cubic_voxel_size_nm

_SPLINE = 3
_REACH = 6  # voxels around a box within which a cubic spline feels the border
_SMALLEST_BOX = 4


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Subvolumes:
    """Boxes around particles.

    Args:
        boxes: Shape (n, box, box, box); dense matter is bright, and where they are normalised the
            ball that fits in has mean 0 and standard deviation 1.
        rows: Which particle of the table each one is of, shape (n,).
        skipped: Particles too close to the tomogram's border to have one.
    """

    boxes: Float32[np.ndarray, "n box box box"]
    rows: Int64[np.ndarray, " n"]
    skipped: int


@final
class SubvolumeSampler:
    """Cuts boxes out of a tomogram, of which no more is read than a box needs.

    A box holds the tomogram at ``position + rotation @ r`` for its voxels ``r``, counted from the
    voxel at ``box // 2``: the particle as its reference stands. It is interpolated by cubic
    splines. The corners of a box may reach beyond the tomogram, which is then mirrored there; the
    ball that fits in may not.

    Args:
        tomogram: One channel.
        box: Side of the boxes in voxels, even.
        contrast: Whether dense matter is dark in the tomogram or bright.

    Raises:
        SettingsError: If the box is odd, or too small or too large for the tomogram.
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
    """

    def __init__(self, tomogram: Volume, *, box: int, contrast: Contrast = "dark") -> None:
        if box % 2 or not _SMALLEST_BOX <= box <= min(tomogram.spatial_shape):
            raise SettingsError(
                f"a box must be even, at least {_SMALLEST_BOX} voxels and at most as large as the "
                f"tomogram, {tomogram.spatial_shape} (z, y, x), got {box}."
            )
        self.voxel_size_nm = cubic_voxel_size_nm(tomogram)
        self.box = box
        self._tomogram = tomogram
        self._sign = -1.0 if contrast == "dark" else 1.0
        axis = np.arange(box) - box // 2
        grid = np.meshgrid(axis, axis, axis, indexing="ij")
        self._offsets = np.stack([along.ravel() for along in grid]).astype(np.float64)
        self._ball = np.sqrt((self._offsets**2).sum(axis=0)).reshape(box, box, box) <= box / 2

    def has(self, positions: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Whether the ball of a box lies in the tomogram.

        Args:
            positions: Centres (z, y, x) in voxels, shape (n, 3).

        Returns:
            Shape (n,).
        """
        last = np.array(self._tomogram.spatial_shape) - 1 - self.box / 2
        middle = last / 2 + self.box / 4
        within: Bool[np.ndarray, " n"] = np.all(np.abs(positions - middle) <= last - middle, axis=1)
        return within

    def sample(
        self,
        position: Float64[np.ndarray, "3"],
        rotation: Float64[np.ndarray, "3 3"] | None = None,
        *,
        normalise: bool = True,
    ) -> Float32[np.ndarray, "box box box"]:
        """The box around a point.

        Args:
            position: Centre (z, y, x) in voxels of the tomogram.
            rotation: What takes the reference to the particle; None leaves the tomogram's axes.
            normalise: Give the ball that fits in mean 0 and standard deviation 1.

        Returns:
            Grey values, dense matter bright; all 0 where the tomogram does not vary.
        """
        offsets = self._offsets if rotation is None else rotation @ self._offsets
        half = np.abs(offsets).max() + _REACH
        start = [max(0, math.floor(at - half)) for at in position]
        stop = [
            min(count, math.ceil(at + half) + 1)
            for at, count in zip(position, self._tomogram.spatial_shape, strict=True)
        ]
        region = Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        read = self._tomogram.read(region)[0].astype(np.float64)
        spline = ndimage.spline_filter(read, _SPLINE, mode="mirror")
        places = offsets + (np.asarray(position) - start)[:, None]
        values = ndimage.map_coordinates(
            spline, places, order=_SPLINE, mode="mirror", prefilter=False
        )
        box: Float64[np.ndarray, "box box box"] = self._sign * values.reshape(
            self.box, self.box, self.box
        )
        if normalise:
            ball = box[self._ball]
            spread = float(ball.std())
            # What is left of a constant after interpolation is no signal.
            varies = spread > np.finfo(np.float32).eps * float(np.abs(ball).max())
            box = (box - ball.mean()) / spread if varies else np.zeros_like(box)
        return box.astype(np.float32)


def extract_subvolumes(
    tomogram: Volume,
    table: ParticleTable,
    *,
    box: int,
    contrast: Contrast = "dark",
    orientation: Literal["reference", "tomogram"] = "reference",
    normalise: bool = True,
    quiet: bool = True,
) -> Subvolumes:
    """Boxes around all particles of a table that are far enough from the border.

    Args:
        tomogram: One channel.
        table: The particles, in voxels of this tomogram.
        box: Side of the boxes in voxels, even.
        contrast: Whether dense matter is dark in the tomogram or bright.
        orientation: Turned as the reference stands, or with the axes of the tomogram.
        normalise: Give the ball that fits in mean 0 and standard deviation 1.
        quiet: Show no progress.

    Returns:
        The boxes.

    Raises:
        SettingsError: If the box is odd, or too small or too large for the tomogram.
        ParticleError: If the particles were picked in a tomogram of another shape.
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
    """
    check_tomogram_of(table, tomogram)
    sampler = SubvolumeSampler(tomogram, box=box, contrast=contrast)
    rows = np.flatnonzero(sampler.has(table.positions))
    boxes = np.empty((len(rows), box, box, box), np.float32)
    turned = table.rotations if orientation == "reference" else None
    for index, row in enumerate(
        track(rows.tolist(), "extraction", len(rows), quiet=quiet, unit="particles")
    ):
        rotation = None if turned is None else turned[row]
        boxes[index] = sampler.sample(table.positions[row], rotation, normalise=normalise)
    return Subvolumes(boxes=boxes, rows=rows, skipped=len(table) - len(rows))


def check_tomogram_of(table: ParticleTable, tomogram: Volume) -> None:
    """See to it that particles are counted in the voxels of a tomogram.

    Args:
        table: The particles.
        tomogram: What they are said to be of.

    Raises:
        ParticleError: If it has another shape.
    """
    if table.shape != tomogram.spatial_shape:
        raise ParticleError(
            f"particles must be of this tomogram, {tomogram.name} with {tomogram.spatial_shape} "
            f"voxels (z, y, x), and are of {table.tomogram} with {table.shape}. Read them with the "
            f"shape and the voxel size of this one."
        )
