"""A tomogram as particles are looked for in it: on coarser voxels, dense matter bright."""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float32, Float64

from gyrovox.errors import SettingsError, VolumeError, VoxelSizeError
from gyrovox.volumes import SAME_SIZE_WITHIN, NanPolicy, Volume, slabs

Contrast = Literal["dark", "bright"]
"""What dense matter is in a tomogram: dark as a detector gives it, or bright where inverted."""

# Beads of gold and edges of a reconstruction are tens of standard deviations from the mean.
_FARTHEST = 6.0
_ONE_SIGMA = (15.865525, 84.134475)  # percentiles of a normal distribution


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class TomogramGrid:
    """Grey values of a tomogram, resampled and standardised.

    Args:
        voxels: Dense matter is bright; the median is 0, and a standard deviation of the bulk 1.
        voxel_size_nm: Side of these voxels.
        shape: Voxels (z, y, x) of the tomogram itself.
        tomogram_voxel_size_nm: Side of its voxels.
        name: What to call it.
    """

    voxels: Float32[np.ndarray, "z y x"]
    voxel_size_nm: float
    shape: tuple[int, int, int]
    tomogram_voxel_size_nm: float
    name: str

    @property
    def word(self) -> str:
        """What the tomogram is called, as one word."""
        return "-".join(self.name.split()) or "tomogram"

    def to_tomogram(self, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        """Points (z, y, x) of this grid in voxels of the tomogram."""
        return (points + 0.5) * self._coarser - 0.5

    def from_tomogram(self, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        """Points (z, y, x) of the tomogram in voxels of this grid."""
        return (points + 0.5) / self._coarser - 0.5

    @property
    def _coarser(self) -> float:
        return self.voxel_size_nm / self.tomogram_voxel_size_nm


def tomogram_grid(
    tomogram: Volume,
    *,
    voxel_size_nm: float,
    contrast: Contrast = "dark",
    nan_policy: NanPolicy = "error",
) -> TomogramGrid:
    """Read a tomogram once, slab by slab, onto voxels of another size, and standardise it.

    Coarser voxels are averages, with weights that fall linearly from a voxel's centre to its
    neighbours'; finer ones are interpolated linearly.

    Args:
        tomogram: One channel of cubic voxels of known size.
        voxel_size_nm: Side of the voxels that are wanted. Those of the tomogram are taken as they
            are where theirs differs by no more than headers do.
        contrast: Whether dense matter is dark in the tomogram or bright.
        nan_policy: What to do with NaN and infinite voxels.

    Returns:
        The grid, in memory.

    Raises:
        VoxelSizeError: If the tomogram's voxels are not cubic, or of unknown size.
        VolumeError: If it has several channels, is constant, or is not finite and `nan_policy`
            does not fill it.
        SettingsError: If `voxel_size_nm` is not positive.
    """
    size = cubic_voxel_size_nm(tomogram)
    if not 0 < voxel_size_nm < np.inf:
        raise SettingsError(f"voxel_size_nm must be positive, got {voxel_size_nm:g}.")
    same = abs(voxel_size_nm / size - 1) <= SAME_SIZE_WITHIN
    ratio = 1.0 if same else voxel_size_nm / size
    voxels = _resampled(_one_channel(tomogram), ratio, nan_policy)
    return TomogramGrid(
        voxels=_standardised(tomogram.name, voxels, contrast),
        voxel_size_nm=size * ratio,
        shape=tomogram.spatial_shape,
        tomogram_voxel_size_nm=size,
        name=tomogram.name,
    )


def density_on_voxels(density: Volume, voxel_size_nm: float) -> Float32[np.ndarray, "z y x"]:
    """A density map on voxels of another size, whose centre n // 2 is where that of the map was.

    Args:
        density: One channel of cubic voxels of known size.
        voxel_size_nm: Side of the voxels that are wanted.

    Returns:
        The map, averaged where it was finer; as wide as the map is, to a voxel.

    Raises:
        VoxelSizeError: If its voxels are not cubic, or of unknown size.
        VolumeError: If it has several channels, or is not finite.
    """
    ratio = voxel_size_nm / cubic_voxel_size_nm(density)
    array = _one_channel(density).read()[0].astype(np.float32)
    if not np.isfinite(array).all():
        raise VolumeError(f"{density.name}: a density map must be finite, and is not.")
    for axis, count in enumerate(array.shape):
        wanted = max(1, round(count / ratio))
        centres = (np.arange(wanted) - wanted // 2) * ratio + count // 2
        turned = np.moveaxis(array, axis, 0)
        array = np.moveaxis(np.tensordot(_weights(centres, count, ratio), turned, axes=1), 0, axis)
    return np.ascontiguousarray(array)


def cubic_voxel_size_nm(tomogram: Volume) -> float:
    """Side of the voxels of a tomogram in nm.

    Args:
        tomogram: Any volume.

    Returns:
        The side.

    Raises:
        VoxelSizeError: If they are not cubic, or of unknown size.
    """
    sizes = tomogram.voxel_size_nm
    if sizes is None:
        raise VoxelSizeError(
            f"{tomogram.name}: particles have sizes in nm, so the size of a voxel must be known, "
            f"and the file does not say it. Pass --voxel-size-nm, or Volume.with_voxel_size."
        )
    if max(sizes) > min(sizes) * (1 + SAME_SIZE_WITHIN):
        raise VoxelSizeError(
            f"{tomogram.name}: the voxels of a tomogram must be cubes, and are {sizes} nm "
            f"(z, y, x). Resample it first."
        )
    return float(np.mean(sizes))


def _one_channel(volume: Volume) -> Volume:
    """The volume itself.

    Raises:
        VolumeError: If it has several channels.
    """
    if volume.channels != 1:
        raise VolumeError(
            f"{volume.name}: what particles are looked for in must have one channel, and "
            f"{volume.channels} came."
        )
    return volume


def _resampled(
    tomogram: Volume, ratio: float, nan_policy: NanPolicy
) -> Float32[np.ndarray, "z y x"]:
    """The tomogram on voxels that are `ratio` times as wide; it is read slab by slab."""
    weights = []
    for count in tomogram.spatial_shape:
        wanted = max(1, round(count / ratio))
        weights.append(_weights((np.arange(wanted) + 0.5) * ratio - 0.5, count, ratio))
    along_z, along_y, along_x = weights
    voxels = np.zeros([len(weight) for weight in weights], np.float32)
    for region in slabs(tomogram.source):
        slab = tomogram.read(region)[0].astype(np.float32)
        if not np.isfinite(slab).all():
            _fill(tomogram.name, slab, nan_policy)
        if ratio == 1.0:
            voxels[region.slices] = slab
            continue
        z, y, x = region.slices
        coarse = np.matmul(along_y[:, y], slab) @ along_x[:, x].T
        voxels += np.tensordot(along_z[:, z], coarse, axes=1)
    return voxels


def _weights(
    centres: Float64[np.ndarray, " wanted"], count: int, ratio: float
) -> Float32[np.ndarray, "wanted given"]:
    """Share of each of `count` voxels in voxels that are `ratio` times as wide, at `centres`."""
    # Beyond the outermost centres there is nothing to interpolate with.
    places = np.clip(centres, 0, count - 1)
    gaps = np.abs(places[:, None] - np.arange(count))
    weights = np.maximum(1 - gaps / max(ratio, 1.0), 0)
    shares: Float32[np.ndarray, "wanted given"] = (
        weights / weights.sum(axis=1, keepdims=True)
    ).astype(np.float32)
    return shares


def _fill(name: str, slab: Float32[np.ndarray, "z y x"], nan_policy: NanPolicy) -> None:
    """Put numbers, in place, where a slab has none.

    Raises:
        VolumeError: If the policy is to refuse them, or none is finite.
    """
    finite = np.isfinite(slab)
    if nan_policy == "error" or not finite.any():
        raise VolumeError(
            f"{name}: voxels must be finite, and {np.count_nonzero(~finite)} of {slab.size} in a "
            f"slab are not. Pass --nan-policy zero or --nan-policy mean to fill them."
        )
    slab[~finite] = 0.0 if nan_policy == "zero" else slab[finite].mean()


def _standardised(
    name: str, voxels: Float32[np.ndarray, "z y x"], contrast: Contrast
) -> Float32[np.ndarray, "z y x"]:
    low, middle, high = np.percentile(voxels, [_ONE_SIGMA[0], 50.0, _ONE_SIGMA[1]])
    spread = (high - low) / 2
    if not spread > 0:
        # More than two thirds are one grey value, as in a mask, or in a phantom without noise.
        middle, spread = voxels.mean(), voxels.std()
    if not spread > 0:
        raise VolumeError(
            f"{name}: a tomogram must vary to hold particles, and every voxel is {middle:g}."
        )
    sign = -1.0 if contrast == "dark" else 1.0
    standardised: Float32[np.ndarray, "z y x"] = np.clip(
        sign * (voxels - middle) / spread, -_FARTHEST, _FARTHEST
    ).astype(np.float32)
    return standardised
