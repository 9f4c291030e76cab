"""The grid that patches are cut from: cubic voxels, so that a patch is a cube of the specimen."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

# Voxels that differ by less are called cubic: headers are rounded, and so are microscopes.
_CUBIC_WITHIN = 0.01


@final
@dataclass(frozen=True)
class WorkingGrid:
    """A grid of cubic voxels over a volume, and the way to it and back.

    Args:
        shape: Voxels of the volume along (z, y, x).
        voxel_size_nm: Length of its voxels along (z, y, x), in nm; None where it is unknown, and
            the voxels are then taken to be cubic.
    """

    shape: tuple[int, int, int]
    voxel_size_nm: tuple[float, float, float] | None

    @property
    def side_nm(self) -> float | None:
        """Side of a working voxel, the volume's finest, in nm; None where it is unknown."""
        return None if self.voxel_size_nm is None else min(self.voxel_size_nm)

    @property
    def working_shape(self) -> tuple[int, int, int]:
        """Working voxels along (z, y, x)."""
        if self.voxel_size_nm is None:
            return self.shape
        finest = min(self.voxel_size_nm)
        if max(self.voxel_size_nm) <= finest * (1 + _CUBIC_WITHIN):
            return self.shape
        z, y, x = (
            max(1, round(count * size / finest))
            for count, size in zip(self.shape, self.voxel_size_nm, strict=True)
        )
        return z, y, x

    def to_working(
        self, voxels: Float[Tensor, "channels z y x"]
    ) -> Float[Tensor, "channels Z Y X"]:
        """The volume on the working grid, linearly interpolated, shape ``(channels, *working)``."""
        return _resampled(voxels, self.working_shape)

    def from_working(self, maps: Float[Tensor, "dim Z Y X"]) -> Float[Tensor, "dim z y x"]:
        """Maps on the working grid read off at the volume's voxels, shape ``(dim, *shape)``."""
        return _resampled(maps, self.shape)


def _resampled(
    array: Float[Tensor, "channels z y x"], shape: tuple[int, int, int]
) -> Float[Tensor, "channels Z Y X"]:
    if tuple(array.shape[1:]) == shape:
        return array
    # Not align_corners: the faces of the first and last voxels stay where they are.
    return nn.functional.interpolate(
        array[None], size=shape, mode="trilinear", align_corners=False
    )[0]
