"""The grid that patches are cut from: cubic voxels, so that a patch is a cube of the specimen."""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor

from gyrovox.patches.interpolation import Excerpt, excerpt_of
from gyrovox.volumes import Region

# Voxels that differ by less are called cubic: headers are rounded, and so are microscopes.
_CUBIC_WITHIN = 0.01


@final
@dataclass(frozen=True)
class WorkingGrid:
    """A grid of cubic voxels over a volume, and the way to it and back, whole or box by box.

    A box is interpolated from the voxels around it with the weights that it has in the whole, so
    that boxes together are the whole.

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

    def onto(self, region: Region, *, before: int = 0, after: int = 0) -> Excerpt:
        """How a box of working voxels comes from the volume's.

        Args:
            region: Working voxels.
            before: Working voxels that are wanted before the box along each axis. Beyond the
                grid's faces it is mirrored at its outermost voxels.
            after: Working voxels that are wanted behind it.

        Returns:
            What to read of the volume, and the way from there.
        """
        return excerpt_of(self.working_shape, self.shape, region, before=before, after=after)

    def back(self, region: Region) -> Excerpt:
        """How maps at a box of the volume's voxels come from maps on the working grid.

        Args:
            region: Voxels of the volume.

        Returns:
            Which working voxels are needed, and the way from there.
        """
        return excerpt_of(self.shape, self.working_shape, region)

    def to_working(
        self, voxels: Float[Tensor, "channels z y x"]
    ) -> Float[Tensor, "channels Z Y X"]:
        """The volume on the working grid, linearly interpolated, shape ``(channels, *working)``."""
        return _all_of(voxels, self.onto(Region.whole(self.working_shape)))

    def from_working(self, maps: Float[Tensor, "dim Z Y X"]) -> Float[Tensor, "dim z y x"]:
        """Maps on the working grid read off at the volume's voxels, shape ``(dim, *shape)``."""
        return _all_of(maps, self.back(Region.whole(self.shape)))


def _all_of(
    array: Float[Tensor, "channels z y x"], excerpt: Excerpt
) -> Float[Tensor, "channels Z Y X"]:
    """What an excerpt makes of an array of which it reads a part."""
    if excerpt.region.shape == tuple(array.shape[1:]):
        return excerpt.interpolated(array)
    return excerpt.interpolated(array[:, *excerpt.region.slices])
