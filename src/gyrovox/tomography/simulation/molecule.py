"""Molecules: density maps that can be turned any way and put anywhere."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float32, Float64
from numpy.typing import NDArray
from scipy import ndimage

from .canvas import Box, Canvas
from .object_classes import Part

_ANTI_ALIAS = 0.4  # standard deviation of the filter that a voxel needs, in voxels
_OUTLINE = 0.5  # share of the mean density that the outline lies at


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Molecule:
    """A density map around a centre, with its outline.

    Args:
        name: Its class, one word.
        density: Potential above that of water in V, shape (z, y, x); its centre is at n // 2.
        spacing_nm: Side of its voxels.
    """

    name: str
    density: Float32[np.ndarray, "z y x"]
    spacing_nm: float

    @property
    def outline(self) -> float:
        """Density from which on a voxel belongs to the molecule, in V."""
        return _OUTLINE * mean_density(self.density)

    @property
    def reach_nm(self) -> float:
        """Distance from the centre to the farthest voxel that belongs to it."""
        return float(np.linalg.norm(self._places(), axis=1).max())

    @property
    def volume_nm3(self) -> float:
        """Volume inside of its outline."""
        return float(np.count_nonzero(self.density >= self.outline)) * self.spacing_nm**3

    def resampled(
        self, voxel_size_nm: float, shape: tuple[int, int, int]
    ) -> Float32[np.ndarray, "z y x"]:
        """The molecule as it stands, on a grid of its own: a template to search or to compare with.

        Args:
            voxel_size_nm: Side of the grid's voxels.
            shape: Voxels (z, y, x); the centre is at n // 2.

        Returns:
            Density in V, band-limited to the grid.
        """
        z, y, x = ((np.arange(n) - n // 2) * voxel_size_nm for n in shape)
        grid = (z[:, None, None], y[None, :, None], x[None, None, :])
        smooth = self.smoothed(voxel_size_nm)
        return smooth.at(grid, np.eye(3), smooth.density)

    def smoothed(self, voxel_size_nm: float) -> "Molecule":
        """The molecule as voxels of a size see it."""
        width = _ANTI_ALIAS * math.sqrt(max(voxel_size_nm**2 - self.spacing_nm**2, 0.0))
        margin = math.ceil(3 * width / self.spacing_nm)
        padded = np.pad(self.density, margin)
        density = ndimage.gaussian_filter(padded, width / self.spacing_nm, mode="constant")
        return Molecule(name=self.name, density=density, spacing_nm=self.spacing_nm)

    def at(
        self,
        offsets: tuple[NDArray[np.floating], ...],
        rotation: Float64[np.ndarray, "3 3"],
        values: Float32[np.ndarray, "z y x"],
    ) -> NDArray[np.float32]:
        """Values on the molecule's grid, seen from places around it once it is turned.

        Args:
            offsets: Open grids of z, y and x from its centre, in nm.
            rotation: What turns it.
            values: Density or anything else on its grid.

        Returns:
            Interpolated linearly, 0 outside, in the shape that the grids broadcast to.
        """
        turned = rotation / self.spacing_nm  # its transpose is its inverse
        places = [
            offsets[0] * turned[0, axis]
            + offsets[1] * turned[1, axis]
            + offsets[2] * turned[2, axis]
            + values.shape[axis] // 2
            for axis in range(3)
        ]
        found: NDArray[np.float32] = ndimage.map_coordinates(
            values, places, output=np.float32, order=1, mode="constant"
        )
        return found

    def _places(self) -> NDArray[np.float64]:
        """Where the voxels that belong to it are, in nm from its centre."""
        centre = np.array(self.density.shape) // 2
        return np.asarray((np.argwhere(self.density >= self.outline) - centre) * self.spacing_nm)


@final
class MoleculeStamp:
    """A molecule, ready to be put into a canvas many times.

    Args:
        molecule: The molecule.
        canvas: What it is put into.
    """

    def __init__(self, molecule: Molecule, canvas: Canvas) -> None:
        self.molecule = molecule
        self.reach_nm = molecule.reach_nm
        self._canvas = canvas
        self._smooth = molecule.smoothed(canvas.voxel_size_nm)
        self._outline = molecule.outline
        self._margin_nm = 1.5 * canvas.voxel_size_nm

    def placed(
        self,
        position_nm: Float64[np.ndarray, " 3"],
        rotation: Float64[np.ndarray, "3 3"],
        part: Part,
        label: int,
        *,
        on: tuple[Part, ...] = (Part.BACKGROUND,),
        over: Part = Part.BACKGROUND,
    ) -> bool:
        """Put it there, unless something else is there already.

        Args:
            position_nm: Its centre (z, y, x).
            rotation: What turns it.
            part: What its voxels become.
            label: Its label at level 3.
            on: What its voxels may be before.
            over: Which of these become its own.

        Returns:
            Whether it is there now. It is not where it would reach out of the volume.
        """
        canvas = self._canvas
        box = canvas.box_around(position_nm, self.reach_nm + self._margin_nm)
        if min(part.stop - part.start for part in box) < 1:
            return False
        offsets = canvas.offsets(box, position_nm)
        mask = self.molecule.at(offsets, rotation, self.molecule.density) >= self._outline
        if _reaches_out(mask, box, canvas.shape) or not mask.any():
            return False
        allowed = np.zeros(len(Part), bool)
        allowed[list(on)] = True
        if not allowed[canvas.parts[box][mask]].all():
            return False
        canvas.density[box] += self._smooth.at(offsets, rotation, self._smooth.density)
        canvas.claim(box, mask, part, label, of=over)
        return True


def mean_density(density: Float32[np.ndarray, "z y x"]) -> float:
    """Mean of a map's density, weighted by itself, so that empty space does not count."""
    whole = np.float64(density.sum(dtype=np.float64))
    return float(np.square(density, dtype=np.float64).sum() / whole)


def _reaches_out(mask: NDArray[np.bool_], box: Box, shape: tuple[int, int, int]) -> bool:
    """Whether a mask touches a face of its box that is one of the volume's too."""
    for axis, (part, count) in enumerate(zip(box, shape, strict=True)):
        if part.start == 0 and mask.take(0, axis).any():
            return True
        if part.stop == count and mask.take(-1, axis).any():
            return True
    return False
