"""What a volume is: voxels that are read when asked for, and where they lie in the world."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Shaped

from gyrovox.errors import VolumeError
from gyrovox.volumes.region import Region
from gyrovox.volumes.source import ArraySource, InMemory

# Formats keep voxel sizes in float32 and some in decimal text; 0.1 % is far from both.
_SIZE_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Volume:
    """A 3-D image with one or more channels; its voxels are read when asked for.

    Args:
        source: Voxels, (channels, z, y, x).
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        affine: Homogeneous map, shape (4, 4), from a voxel's index (z, y, x) to the position of
            its centre in the world (z, y, x), in nm (in voxels where the voxel size is unknown).
        name: What to call it in messages and pictures.
        path: The file that it came from, if any.
        header: What the file's format needs to write another file over this one; opaque.

    Raises:
        VolumeError: If an axis is empty, the voxel size is not positive, or the affine is
            singular or disagrees with the voxel size.
    """

    source: ArraySource
    voxel_size_nm: tuple[float, float, float] | None
    affine: Float64[np.ndarray, "4 4"] = field(repr=False)
    name: str = "volume"
    path: Path | None = None
    header: object = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if min(self.shape) < 1:
            raise VolumeError(
                f"{self.name}: a volume must have at least one voxel along every axis, "
                f"and shape {self.shape} (channels, z, y, x) came"
            )
        _check_geometry(self.name, self.voxel_size_nm, self.affine)

    @classmethod
    def from_array(
        cls,
        array: Shaped[np.ndarray, "..."],
        *,
        voxel_size_nm: tuple[float, float, float] | None = None,
        affine: Float64[np.ndarray, "4 4"] | None = None,
        name: str = "volume",
    ) -> "Volume":
        """A volume over an array in memory, which is not copied.

        Args:
            array: Voxels, (z, y, x) or (channels, z, y, x).
            voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
            affine: Voxel index (z, y, x) to position (z, y, x) in nm; by default voxel (0, 0, 0)
                lies at the origin and the axes are those of the world.
            name: What to call it in messages and pictures.

        Returns:
            The volume.

        Raises:
            VolumeError: If the array has neither 3 nor 4 axes.
        """
        if array.ndim not in {3, 4}:
            raise VolumeError(
                f"{name}: a volume must have 3 axes (z, y, x), or 4 (channels, z, y, x), "
                f"and {array.ndim} came: shape {array.shape}"
            )
        with_channels = array if array.ndim == 4 else array[np.newaxis]
        return cls(
            source=InMemory(with_channels),
            voxel_size_nm=voxel_size_nm,
            affine=axis_aligned(voxel_size_nm) if affine is None else affine,
            name=name,
        )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return self.source.shape

    @property
    def spatial_shape(self) -> tuple[int, int, int]:
        """(z, y, x)."""
        return self.source.shape[1:]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.source.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels as `read` returns them."""
        return self.source.dtype

    @property
    def origin_nm(self) -> tuple[float, float, float]:
        """Position (z, y, x) of voxel (0, 0, 0), in nm (in voxels where their size is unknown)."""
        z, y, x = (float(value) for value in self.affine[:3, 3])
        return z, y, x

    def read(self, region: Region | None = None) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, or all of them, as an array that the caller owns.

        Args:
            region: The box to read; everything by default.

        Returns:
            Voxels, (channels, z, y, x).

        Raises:
            VolumeError: If the region reaches beyond the volume.
        """
        wanted = Region.whole(self.spatial_shape) if region is None else region
        if not wanted.lies_in(self.spatial_shape):
            raise VolumeError(
                f"{self.name}: a region must lie in the volume of {self.spatial_shape} voxels "
                f"(z, y, x), and {wanted.start} to {wanted.stop} came"
            )
        return self.source.read(wanted)

    def with_voxel_size(self, voxel_size_nm: tuple[float, float, float]) -> "Volume":
        """The same voxels with another size (z, y, x) in nm, for a file that does not say it.

        Directions are kept; the position of voxel (0, 0, 0) is kept where it was in nm, and
        is scaled where it was in voxels.
        """
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        new_sizes = np.asarray(voxel_size_nm, np.float64)
        affine = self.affine.copy()
        affine[:3, :3] *= new_sizes / lengths
        if self.voxel_size_nm is None:
            affine[:3, 3] *= new_sizes
        return replace(self, voxel_size_nm=voxel_size_nm, affine=affine)


def axis_aligned(
    voxel_size_nm: tuple[float, float, float] | None,
    origin_nm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Float64[np.ndarray, "4 4"]:
    """The affine of a volume whose axes are those of the world.

    Args:
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None counts in voxels.
        origin_nm: Position (z, y, x) of voxel (0, 0, 0), in nm (in voxels where unknown).

    Returns:
        Voxel index (z, y, x) to position (z, y, x), shape (4, 4).
    """
    affine = np.diag((*(voxel_size_nm or (1.0, 1.0, 1.0)), 1.0)).astype(np.float64)
    affine[:3, 3] = origin_nm
    return affine


def is_axis_aligned(affine: Float64[np.ndarray, "4 4"]) -> bool:
    """Whether an affine only scales and moves: no rotation, no flip, no shear.

    Args:
        affine: Voxel index (z, y, x) to position (z, y, x), shape (4, 4).

    Returns:
        Whether it does no more than that, to 5 digits.
    """
    linear = affine[:3, :3]
    lengths = np.linalg.norm(linear, axis=0)
    return bool(np.all(np.abs(linear - np.diag(lengths)) <= 1e-5 * lengths))


def _check_geometry(
    name: str, voxel_size_nm: tuple[float, float, float] | None, affine: np.ndarray
) -> None:
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) == 0:
        raise VolumeError(
            f"{name}: the affine must be finite and invertible, and came as {affine.tolist()}. "
            f"Repair the file's orientation"
        )
    if voxel_size_nm is None:
        return
    if not all(np.isfinite(size) and size > 0 for size in voxel_size_nm):
        raise VolumeError(
            f"{name}: voxel sizes must be positive and finite, and came as {voxel_size_nm} nm "
            f"(z, y, x). Pass None where the size is unknown"
        )
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(lengths, voxel_size_nm, rtol=_SIZE_TOLERANCE, atol=0):
        raise VolumeError(
            f"{name}: the columns of the affine must be as long as the voxels, and are "
            f"{tuple(lengths.tolist())} nm where the voxels are {voxel_size_nm} nm (z, y, x)"
        )
