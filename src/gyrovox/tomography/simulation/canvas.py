"""A specimen while it is drawn: its density, and which object each voxel belongs to."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import SettingsError

from .object_classes import Part

Box = tuple[slice, slice, slice]
"""A box of voxels."""

_MOST_LABELS = 65_535


@final
class Canvas:
    """Density and labels that objects are drawn into.

    Args:
        shape: Voxels (z, y, x).
        voxel_size_nm: Side of a voxel; positions in nm count from the centre of the first one.
    """

    def __init__(self, shape: tuple[int, int, int], voxel_size_nm: float) -> None:
        self.shape = shape
        self.voxel_size_nm = voxel_size_nm
        self.density: NDArray[np.float32] = np.zeros(shape, np.float32)
        self.parts: NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self.labels: NDArray[np.uint16] = np.zeros(shape, np.uint16)
        self._inner: list[Part] = []

    def box_around(self, centre_nm: NDArray[np.float64], reach_nm: float) -> Box:
        """The voxels whose centres are within a cube, as far as there are any.

        Args:
            centre_nm: Its centre (z, y, x).
            reach_nm: Half its side.

        Returns:
            The box; empty where the cube lies outside the volume.
        """
        low = np.ceil((centre_nm - reach_nm) / self.voxel_size_nm).astype(int)
        high = np.floor((centre_nm + reach_nm) / self.voxel_size_nm).astype(int) + 1
        z, y, x = (
            slice(min(max(first, 0), count), min(max(last, 0), count))
            for first, last, count in zip(low, high, self.shape, strict=True)
        )
        return z, y, x

    def offsets(
        self, box: Box, origin_nm: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Where the voxels of a box lie from a point, in nm: open grids of z, y and x."""
        z, y, x = (
            (np.arange(part.start, part.stop) * self.voxel_size_nm - zero).astype(np.float32)
            for part, zero in zip(box, origin_nm, strict=True)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def claim(
        self,
        box: Box,
        mask: NDArray[np.bool_],
        part: Part,
        label: int,
        *,
        of: Part = Part.BACKGROUND,
    ) -> None:
        """Give the voxels of a mask to an object.

        Args:
            box: Where the mask lies.
            mask: Its voxels, in the shape of the box.
            part: What they become.
            label: The object's label at level 3.
            of: What they may be before; others stay as they are.
        """
        free = mask & (self.parts[box] == of)
        self.parts[box][free] = part
        self.labels[box][free] = label

    def inner_label(self, part: Part) -> int:
        """A label for the inside of an object, until `finished` gives it one behind all objects."""
        self._inner.append(part)
        return _MOST_LABELS + 1 - len(self._inner)

    def finished(self, parts: list[Part]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Labels of level 3, and the class of level 2 that each lies within.

        Args:
            parts: Of the objects whose labels are 1, 2, ....

        Returns:
            Labels, and classes by label.

        Raises:
            SettingsError: If there are more objects than labels.
        """
        count, inner = len(parts), len(self._inner)
        if count + inner > _MOST_LABELS:
            raise SettingsError(
                f"a specimen must have at most {_MOST_LABELS} objects, and this has "
                f"{count + inner}. Lower crowding, or make several smaller ones."
            )
        final_label = np.arange(_MOST_LABELS + 1, dtype=np.uint16)
        final_label[_MOST_LABELS + 1 - np.arange(1, inner + 1)] = count + np.arange(1, inner + 1)
        classes = np.array([Part.BACKGROUND, *parts, *self._inner], np.uint8)
        return final_label[self.labels], classes
