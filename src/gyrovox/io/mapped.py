"""Voxels that lie uncompressed in a file, read through a memory map."""

from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import FileFormatError
from gyrovox.volumes import Region


@final
class MappedSource:
    """An array of a file that can be mapped as it lies; no file stays open between reads.

    Args:
        path: The file.
        offset: Where the first voxel lies, in bytes.
        dtype: Type of the voxels in the file, with their byte order.
        stored_shape: Shape of the array in the file, 4 axes, the last one contiguous.
        order: For each of (channels, z, y, x), which axis of the file it is.
    """

    def __init__(
        self,
        path: Path,
        *,
        offset: int,
        dtype: np.dtype[Any],
        stored_shape: tuple[int, int, int, int],
        order: tuple[int, int, int, int] = (0, 1, 2, 3),
    ) -> None:
        self._path = path
        self._offset = offset
        self._stored_dtype = dtype
        self._stored_shape = stored_shape
        self._order = order

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        channels, depth, height, width = (self._stored_shape[axis] for axis in self._order)
        return channels, depth, height, width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, in the byte order of this machine."""
        return self._stored_dtype.newbyteorder("=")

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The voxels of a region, all channels.

        Raises:
            FileFormatError: If the file has become shorter since it was opened.
        """
        try:
            mapped = np.memmap(
                self._path, self._stored_dtype, "r", self._offset, self._stored_shape
            )
        except ValueError as error:
            raise FileFormatError(
                f"{self._path}: the file must hold {self._stored_shape} voxels of "
                f"{self._stored_dtype} from byte {self._offset} on, and is shorter. "
                f"Copy it again from where it came"
            ) from error
        turned = mapped.transpose(self._order)
        # A copy, not a view: the map, and the file with it, is closed on return.
        return np.array(turned[:, *region.slices], dtype=self.dtype, order="C")
