"""Random crops of normalised volumes, for an encoder of unpadded convolutions."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.quality.comparison.voxels import normalised
from gyrovox.volumes import Volume

Sides = tuple[int, int, int]


class CropSource:
    """Crops that an encoder turns into blocks of codes, anywhere in some volumes.

    Volumes are padded by reflection, as they are when they are segmented, so that the patches at
    their faces are learned too.

    Args:
        volumes: With one number of channels.
        field: Voxels that one code of the encoder sees (z, y, x), all odd.
        block: Codes wanted of each crop (z, y, x); less where the smallest volume is smaller.
    """

    def __init__(
        self, volumes: Sequence[Volume], field: Sides, *, block: Sides = (1, 1, 1)
    ) -> None:
        smallest = np.min([one.spatial_shape for one in volumes], axis=0)
        self.block: Sides = tuple(int(side) for side in np.minimum(block, smallest))
        self.sides: Sides = tuple(
            one - 1 + side for one, side in zip(field, self.block, strict=True)
        )
        self._padded = [torch.from_numpy(padded(normalised(one), field)) for one in volumes]

    @property
    def channels(self) -> int:
        """Channels of the volumes."""
        return self._padded[0].shape[0]

    def draw(self, count: int, chance: np.random.Generator) -> torch.Tensor:
        """Crops at uniform places of volumes that are drawn first, shape (count, channels, ...)."""
        return torch.stack([self._one(chance) for _ in range(count)])

    def _one(self, chance: np.random.Generator) -> torch.Tensor:
        """One crop of one volume."""
        volume = self._padded[chance.integers(len(self._padded))]
        room = np.array(volume.shape[1:]) - self.sides + 1
        z, y, x = chance.integers(room).tolist()
        depth, height, width = self.sides
        return volume[:, z : z + depth, y : y + height, x : x + width]


def padded(voxels: NDArray[np.float32], field: Sides) -> NDArray[np.float32]:
    """Voxels (channels, z, y, x) reflected outwards by half a field, so that all have a patch."""
    return np.pad(voxels, [(0, 0), *((side // 2, side // 2) for side in field)], mode="reflect")
