"""The objects of a specimen, as they are placed: what becomes its table of particles."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from gyrovox.volumes import ParticleTable

from .object_classes import Part


@final
class Roster:
    """Objects in the order in which they were placed; the label of one is its row plus 1."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._names: list[str] = []
        self._positions_nm: list[NDArray[np.float64]] = []
        self._rotations: list[NDArray[np.float64]] = []
        self._diameters_nm: list[float] = []
        self._parents: list[int] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(
        self,
        name: str,
        part: Part,
        position_nm: NDArray[np.float64],
        rotation: NDArray[np.float64],
        *,
        diameter_nm: float,
        parent: int = -1,
    ) -> int:
        """Enter an object.

        Args:
            name: Its class.
            part: The class of its voxels; of a hollow object, of its wall.
            position_nm: Its centre (z, y, x).
            rotation: What turns its reference into it.
            diameter_nm: Its diameter.
            parent: Row of the object that it belongs to.

        Returns:
            Its row.
        """
        self.parts.append(part)
        self._names.append(name)
        self._positions_nm.append(position_nm)
        self._rotations.append(rotation)
        self._diameters_nm.append(diameter_nm)
        self._parents.append(parent)
        return len(self) - 1

    def table(
        self, shape: tuple[int, int, int], voxel_size_nm: float, tomogram: str
    ) -> ParticleTable:
        """All objects as a table."""
        count = len(self)
        return ParticleTable(
            positions=np.array(self._positions_nm, np.float64).reshape(count, 3) / voxel_size_nm,
            shape=shape,
            voxel_size_nm=voxel_size_nm,
            tomogram=tomogram,
            rotations=np.array(self._rotations, np.float64).reshape(count, 3, 3),
            classes=tuple(self._names),
            diameters_nm=np.array(self._diameters_nm, np.float64),
            parents=np.array(self._parents, np.int64),
        )
