"""A volume on its way: written box by box to a file that nobody keeps, then read as a source."""

from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float32

from gyrovox.io.mapped import MappedSource
from gyrovox.volumes import Region


@final
class Scratch:
    """A sink of float32 voxels over a plain file, one channel.

    Not a memory map: a disk that is full would end the process instead of raising an error.

    Args:
        path: The file, which must not exist.
        spatial_shape: Voxels (z, y, x).
    """

    def __init__(self, path: Path, spatial_shape: tuple[int, int, int]) -> None:
        self._path = path
        self._shape = spatial_shape
        path.touch(exist_ok=False)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return (1, *self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        return np.dtype(np.float32)

    def write(self, region: Region, array: Float32[np.ndarray, "1 z y x"]) -> None:
        """Store the voxels of a region."""
        _, height, width = self._shape
        (z0, y0, x0), (_, _, x1) = region.start, region.stop
        voxels = np.ascontiguousarray(array[0])
        with self._path.open("r+b") as file:
            for z, plane in enumerate(voxels, start=z0):
                # Whole rows lie one after the other.
                pieces = [plane] if (x0, x1) == (0, width) else list(plane)
                for y, piece in enumerate(pieces, start=y0):
                    file.seek(4 * ((z * height + y) * width + x0))
                    file.write(piece.data)

    def source(self) -> MappedSource:
        """What was written, once all of it was."""
        return MappedSource(self._path, offset=0, dtype=self.dtype, stored_shape=self.shape)
