"""Cell phantoms that do not fit in memory: their voxels are made when they are read.

Parts and colours are drawn as for a smaller phantom. Three things differ, so that a region can be
made by itself, in time and memory that are its own: noise and textures repeat every 144 voxels,
where a smaller phantom filters noise of its own size; `texture` standardises its textures over
such a block, not over each object; and the parts are placed, and warped, on a grid of a hundred
points along the shortest side, between which a displacement is interpolated.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from numpy.typing import NDArray

from gyrovox.volumes.cell_parts import CellRecipe, check_parts, classes_of, drawn_cell
from gyrovox.volumes.cell_surfaces import displacement
from gyrovox.volumes.noise import band_pass_noise, frequency_grid, pink_noise
from gyrovox.volumes.phantom_cell import (
    CENTRES,
    NOISE,
    REFERENCE_SIDE,
    Variant,
    check_cell,
    stream,
)
from gyrovox.volumes.region import Region
from gyrovox.volumes.solids import Solid, covered

LARGE = 10_000_000
"""Voxels above which `gyrovox phantom` makes a phantom this way."""

PERIOD = 144
"""Voxels after which noise repeats: no divisor of a tile's side, so that no two tiles agree."""

_GRID = 0.5  # step of the coarse grid, in voxels of the published volume
_AT_ONCE = 2**21  # voxels that are made at a time
_WARPED = 8.0  # farther than a surface moves, in voxels of the published volume


@final
@dataclass(frozen=True, eq=False)
class CellImage:
    """The intensities of a large phantom: an `ArraySource`."""

    parts: "_Parts"
    colours: NDArray[np.float32]
    textures: tuple[NDArray[np.float32], ...]
    pink: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return (1, *self.parts.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return np.dtype(np.float32)

    def read(self, region: Region) -> Float32[np.ndarray, "channels z y x"]:
        """The voxels of a region, shape ``(1, z, y, x)``."""
        image = np.empty((1, *region.shape), np.float32)
        for part in _slabs(region):
            labels = self.parts.labels(part)
            texture = _repeated(self.textures[0], part)
            for label in range(1, len(self.textures)):
                box = self.parts.reach(label, part)
                if box is not None:
                    inside = _local(box, part)
                    noise = _repeated(self.textures[label], box)
                    np.copyto(texture[inside], noise, where=labels[inside] == label)
            texture += _repeated(self.pink, part)
            image[0][_local(part, region)] = self.colours[labels] + texture
        return image


@final
@dataclass(frozen=True, eq=False)
class CellTruth:
    """The classes of a large phantom at one level: an `ArraySource`."""

    parts: "_Parts"
    classes: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(channels, z, y, x)."""
        return (1, *self.parts.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8."""
        return np.dtype(np.uint8)

    def read(self, region: Region) -> UInt8[np.ndarray, "channels z y x"]:
        """The classes of a region, shape ``(1, z, y, x)``."""
        truth = np.empty((1, *region.shape), np.uint8)
        for part in _slabs(region):
            truth[0][_local(part, region)] = self.classes[self.parts.labels(part)]
        return truth


def large_cell(
    seed: int,
    *,
    shape: tuple[int, int, int],
    variant: Variant = "regular",
    voxel_size_nm: tuple[float, float, float] | None = None,
    recipe: CellRecipe | None = None,
) -> tuple[CellImage, tuple[CellTruth, CellTruth, CellTruth]]:
    """A noisy cell as `cell_phantom` draws it, of any size, the same for the same seed.

    Args:
        seed: Not negative.
        shape: Voxels along (z, y, x), each at least 8.
        variant: What tells the objects apart.
        voxel_size_nm: Size of a voxel along (z, y, x) in nm; None stands for cubes.
        recipe: Sizes and counts of the parts; None for the published ones.

    Returns:
        The image, and its truth at levels 1, 2 and 3. Both are made region by region, when they
        are read.

    Raises:
        SettingsError: If a setting is out of its range, or no cell with these parts fits.
    """
    check_cell(seed, shape, variant, voxel_size_nm)
    counts = recipe if recipe is not None else CellRecipe()
    check_parts(counts)
    spacing = np.array(voxel_size_nm if voxel_size_nm is not None else (1.0, 1.0, 1.0))
    parts = _drawn_parts(seed, shape, spacing, counts, is_warped=variant == "irregular")
    first, second, third = (CellTruth(parts, table) for table in classes_of(counts))
    image = _painted(seed, parts, spacing, textured_only=variant == "texture")
    return image, (first, second, third)


@final
@dataclass(frozen=True, eq=False)
class _Parts:
    """Where the parts of a cell are, in units of the published volume's voxels."""

    shape: tuple[int, int, int]
    voxel: NDArray[np.float64]
    solids: tuple[Solid, ...]
    moves: tuple[NDArray[np.float32], ...]
    """How far points of the coarse grid move along (z, y, x); none where nothing does."""
    step: NDArray[np.float64]
    """Distance of two points of the coarse grid along (z, y, x)."""

    def labels(self, region: Region) -> NDArray[np.uint8]:
        """Labels of a region's voxels, shape (z, y, x)."""
        labels = np.zeros(region.shape, np.uint8)
        for label, solid in enumerate(self.solids, start=1):
            box = self.reach(label, region)
            if box is not None:
                labels[_local(box, region)][covered(solid, self._seen(box))] = label
        return labels

    def reach(self, label: int, region: Region) -> Region | None:
        """The box of a region that a part may be in; None if there is none."""
        solid, start, stop = self.solids[label - 1], [], []
        for axis in range(3):
            far = float(np.abs(self.moves[axis]).max()) if self.moves else 0.0
            places = self._places(region, axis)
            near = np.abs(places - solid.centre[axis]) <= solid.extent[axis] + far
            found = np.flatnonzero(near)
            if not found.size:
                return None
            start.append(region.start[axis] + int(found[0]))
            stop.append(region.start[axis] + int(found[-1]) + 1)
        return Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def _places(self, region: Region, axis: int) -> NDArray[np.float64]:
        """Centres of a region's voxels along an axis, from the volume's centre."""
        voxels = np.arange(region.start[axis], region.stop[axis])
        places: NDArray[np.float64] = (voxels - (self.shape[axis] - 1) / 2) * self.voxel[axis]
        return places

    def _seen(self, region: Region) -> Sequence[NDArray[Any]]:
        """Where a region's voxels are, as the solids see them."""
        axes = [self._places(region, axis) for axis in range(3)]
        grid = np.ix_(*axes)
        if not self.moves:
            return grid
        return [axis + self._moved(move, axes) for axis, move in zip(grid, self.moves, strict=True)]

    def _moved(
        self, move: NDArray[np.float32], axes: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float32]:
        """A displacement between the points of the coarse grid, linearly along each axis."""
        for axis, places in enumerate(axes):
            count = move.shape[axis]
            place = np.clip(places / self.step[axis] + (count - 1) / 2, 0, count - 1)
            before = np.minimum(place.astype(np.intp), count - 2)
            share = (place - before).astype(np.float32)
            share = share.reshape([-1 if other == axis else 1 for other in range(3)])
            move = move.take(before, axis) * (1 - share) + move.take(before + 1, axis) * share
        return move


def _drawn_parts(
    seed: int,
    shape: tuple[int, int, int],
    spacing: NDArray[np.float64],
    recipe: CellRecipe,
    *,
    is_warped: bool,
) -> _Parts:
    """Parts that are sound on the coarse grid around the cell."""
    voxel = spacing * (REFERENCE_SIDE / (spacing * np.array(shape)).min())
    mean, deviation = recipe.cell
    half = np.minimum(voxel * np.array(shape) / 2, mean + 5 * deviation + _WARPED)
    # Not finer than the voxels, so that what is apart here is apart in the volume.
    counts = np.maximum(2 * half // np.maximum(voxel, _GRID), 2).astype(int)
    step = 2 * half / counts
    grid = np.ix_(
        *((np.arange(n) - (n - 1) / 2) * side for n, side in zip(counts, step, strict=True))
    )
    solids, _ = drawn_cell(stream(seed, 0), recipe, grid, step)
    moves = displacement(stream(seed, 4), solids, recipe, grid, step) if is_warped else None
    fields = tuple(move.astype(np.float32) for move in moves or ())
    return _Parts(shape, voxel, tuple(solids), fields, step)


def _painted(
    seed: int, parts: _Parts, spacing: NDArray[np.float64], *, textured_only: bool
) -> CellImage:
    """Colours, and periodic blocks of texture and noise."""
    block = (PERIOD, PERIOD, PERIOD)
    frequency = frequency_grid(block, spacing)
    colours, textures = [], []
    for label in range(len(parts.solids) + 1):
        paint = stream(seed, 100 + label)
        colour = float(paint.standard_normal())
        colours.append(0.0 if textured_only else colour)
        if label == 0:
            texture = paint.standard_normal(block, dtype=np.float32)
        else:
            centre = float(paint.uniform(*CENTRES))
            texture = band_pass_noise(paint, frequency, block, centre=centre)
        textures.append(NOISE * texture)
    pink = NOISE * pink_noise(stream(seed, 2), frequency, block)
    return CellImage(parts, np.array(colours, np.float32), tuple(textures), pink)


def _slabs(region: Region) -> Iterator[Region]:
    """A region in slabs of whole slices that are made at a time."""
    (first, y0, x0), (last, y1, x1) = region.start, region.stop
    depth = max(1, _AT_ONCE // max(1, math.prod(region.shape[1:])))
    for z in range(first, last, depth):
        yield Region((z, y0, x0), (min(z + depth, last), y1, x1))


def _local(part: Region, whole: Region) -> tuple[slice, slice, slice]:
    """Where a part of a region is in an array of the region."""
    z, y, x = (
        slice(first - zero, last - zero)
        for zero, first, last in zip(whole.start, part.start, part.stop, strict=True)
    )
    return z, y, x


def _repeated(block: Shaped[np.ndarray, "z y x"], region: Region) -> NDArray[np.float32]:
    """What a block that repeats for ever has in a region, as a new array."""
    found = block
    for axis, (first, last) in enumerate(zip(region.start, region.stop, strict=True)):
        found = found.take(np.arange(first, last) % block.shape[axis], axis)
    return found
