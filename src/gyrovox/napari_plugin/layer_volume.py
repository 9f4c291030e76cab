"""Image layers of napari as volumes, and where what is made of them has to lie."""

from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from gyrovox.errors import VolumeError
from gyrovox.io.length_units import nm_per
from gyrovox.volumes import Volume

_SPLIT = "Right-click it and choose Split Stack, then pick one volume."


@runtime_checkable
class ImageLayer(Protocol):
    """What is asked of an image layer of napari."""

    name: str
    data: Any
    rgb: bool
    multiscale: bool
    scale: Any
    units: Any


@final
class UnreadImage:
    """The voxels of a layer, checked as far as that costs nothing, and read by whoever needs them.

    Args:
        layer: An image layer. Nothing of it is read here.

    Raises:
        VolumeError: If it is no volume of one channel.
    """

    def __init__(self, layer: ImageLayer) -> None:
        self.name = layer.name
        self._data = layer.data[0] if layer.multiscale else layer.data
        if layer.rgb:
            raise VolumeError(
                f"a layer must have one value per voxel to be segmented, and {self.name!r} has "
                f"colours. Right-click it and choose Split RGB, then pick one of the three."
            )
        shape = tuple(map(int, self._data.shape))
        if len(shape) != 3:
            what = "is a picture" if len(shape) == 2 else "has further axes"
            raise VolumeError(
                f"a layer must have 3 axes (z, y, x) to be segmented, and {self.name!r} {what}: "
                f"shape {shape}. {'Pass a stack.' if len(shape) == 2 else _SPLIT}"
            )
        self.shape: tuple[int, int, int] = (shape[0], shape[1], shape[2])
        self.voxel_size_nm = voxel_size_nm(layer)

    def read(self) -> Volume:
        """The volume, with all its voxels in memory."""
        voxels: Shaped[np.ndarray, "z y x"] = np.asarray(self._data)
        return Volume.from_array(voxels, voxel_size_nm=self.voxel_size_nm, name=self.name)


def voxel_size_nm(layer: ImageLayer) -> tuple[float, float, float] | None:
    """Length of a voxel of a layer along its last three axes, in nm.

    Args:
        layer: A layer.

    Returns:
        The lengths (z, y, x); None where its units are no lengths, or it has fewer axes.
    """
    per_unit = [nm_per(str(unit)) for unit in layer.units][-3:]
    lengths = [abs(float(step)) for step in layer.scale][-3:]
    sizes = [length * unit for length, unit in zip(lengths, per_unit, strict=True) if unit]
    return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else None
