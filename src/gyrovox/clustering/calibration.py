"""Units of noise, found once for a volume: from all of it, or from a few blocks of a large one."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float32, Int32
from numpy.typing import NDArray

from gyrovox.clustering.evidence import Spread, Turn, neighbour_spread, pooled, region_spread
from gyrovox.clustering.region_graph import basins, region_graph
from gyrovox.clustering.unions import fewest, looked_up
from gyrovox.errors import VolumeError
from gyrovox.volumes import MaskCells, Region
from gyrovox.volumes.mask_cells import CELL

VOXEL_WEIGHT = 2.0
"""How much a voxel's intensity counts beside a feature, each in units of its own noise.

Features are averages over windows, so their noise is shared by some hundred voxels, that of
intensities by some fifteen; a feature of a region of thirty voxels says less than its intensities.
"""

_SIDE = 96  # voxels along an axis of a sample block
_FIRST_REGIONS = 64  # regions that the noise within regions is measured on
_FEWEST_FOR_NOISE = 3  # regions below which noise within regions says nothing new


@final
@dataclass(frozen=True)
class BlockNoise:
    """How features and intensities spread in a block of a volume.

    Args:
        features: Of the features.
        intensities: Of the intensities; None where there are none.
    """

    features: Spread
    intensities: Spread | None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        both = {"features": self.features, "intensities": self.intensities}
        return {
            f"{name}_{key}": np.asarray(value)
            for name, spread in both.items()
            if spread is not None
            for key, value in vars(spread).items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "BlockNoise":
        """What `arrays` gave."""
        given = "intensities_voxels" in arrays
        return cls(_spread("features", arrays), _spread("intensities", arrays) if given else None)


@final
@dataclass(frozen=True)
class Calibration:
    """The linear maps that turn features and intensities into evidence, in units of noise.

    Args:
        features: Of the features.
        intensities: Of the intensities, `VOXEL_WEIGHT` times their units; None leaves them out.
    """

    features: Turn
    intensities: Turn | None

    @property
    def dimensions(self) -> int:
        """Columns of the evidence that are of features: the first ones. Basins are drawn by them.

        Intensities are too noisy for that.
        """
        return int(self.features.directions.shape[1])

    def evidence(
        self,
        features: Float32[np.ndarray, "z y x features"],
        intensities: Float32[np.ndarray, "z y x channels"] | None,
    ) -> Float32[np.ndarray, "z y x evidence"]:
        """Features and intensities as evidence.

        Args:
            features: Shape ``(z, y, x, features)``.
            intensities: Shape ``(z, y, x, channels)``; None leaves them out.

        Returns:
            Shape ``(z, y, x, evidence)``.
        """
        telling = self.features(features)
        if intensities is None or self.intensities is None:
            return telling
        return np.concatenate([telling, self.intensities(intensities)], axis=-1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fields by name, for `np.savez`."""
        both = {"features": self.features, "intensities": self.intensities}
        return {
            f"{name}_{key}": value
            for name, turn in both.items()
            if turn is not None
            for key, value in vars(turn).items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Calibration":
        """What `arrays` gave."""
        turns = [
            Turn(arrays[f"{name}_middle"], arrays[f"{name}_directions"])
            for name in ("features", "intensities")
            if f"{name}_middle" in arrays
        ]
        return cls(turns[0], turns[1] if len(turns) > 1 else None)


def sample_blocks(bounds: Region, *, side: int = _SIDE) -> list[Region]:
    """At most 8 blocks of a volume that say how noisy it is, evenly spread.

    They depend on the bounds alone, so a volume has the same however it is cut into tiles.

    Args:
        bounds: The part of the volume that is looked at.
        side: Voxels along each axis of a block.

    Returns:
        Two blocks along each axis, each in the middle of its half; one, of all voxels, along an
        axis of at most twice the side.
    """
    spans = []
    for first, last in zip(bounds.start, bounds.stop, strict=True):
        length = last - first
        if length <= 2 * side:
            spans.append([(first, last)])
        else:
            starts = [first + (length * part) // 4 - side // 2 for part in (1, 3)]
            spans.append([(start, start + side) for start in starts])
    return [Region((z[0], y[0], x[0]), (z[1], y[1], x[1])) for z, y, x in itertools.product(*spans)]


def mask_blocks(inside: MaskCells, *, side: int = _SIDE) -> list[Region]:
    """At most 8 blocks that say how noisy a volume is inside a mask, spread over the mask.

    They depend on the mask alone. The inside is cut in two along each long axis of its bounds, by
    the number of voxels; a block lies about the middle of each part. If the inside is a box, they
    are those of `sample_blocks`.

    Args:
        inside: Where the inside is.
        side: Voxels along each axis of a block; at least those of a cell.

    Returns:
        The blocks, each with voxels inside if there are any at all. All voxels of the bounds along
        an axis of at most twice the side.
    """
    bounds = inside.bounds
    if inside.is_box or not inside.voxels:
        return sample_blocks(bounds, side=side)
    long = [axis for axis in range(3) if bounds.shape[axis] > 2 * side]
    cells = np.argwhere(inside.counts)
    parts = [(cells, inside.counts[tuple(cells.T)])]
    for axis in long:
        parts = [half for part in parts for half in _halves(*part, axis, longest=2 * side)]
    blocks = []
    for part, voxels in parts:
        start, stop = list(bounds.start), list(bounds.stop)
        middle = _middle(part, voxels)
        for axis in long:
            first = int(middle[axis]) * CELL + (CELL - side) // 2
            start[axis] = min(max(first, bounds.start[axis]), bounds.stop[axis] - side)
            stop[axis] = start[axis] + side
        blocks.append(Region((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
    return list(dict.fromkeys(blocks))


def block_noise(
    features: Float32[np.ndarray, "z y x features"],
    intensities: Float32[np.ndarray, "z y x channels"] | None,
    inside: Bool[np.ndarray, "z y x"] | None = None,
    *,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> BlockNoise:
    """How features and intensities of a block spread within its regions.

    Args:
        features: Shape ``(z, y, x, features)``.
        intensities: Shape ``(z, y, x, channels)``; None where there are none.
        inside: Voxels that count, shape ``(z, y, x)``; None for all.
        spacing: Length of a voxel along (z, y, x), in those of the finest.

    Returns:
        Their spreads, of no voxels where none is inside.
    """
    covered = np.ones(features.shape[:3], np.bool_) if inside is None else inside
    first = neighbour_spread(features, covered)
    if first.voxels:
        coarse = _homogeneous(Turn.of(first)(features), covered, spacing)
        if int(coarse.max()) + 1 >= _FEWEST_FOR_NOISE:
            return BlockNoise(
                region_spread(features, coarse),
                None if intensities is None else region_spread(intensities, coarse),
            )
    return BlockNoise(
        first, None if intensities is None else neighbour_spread(intensities, covered)
    )


def calibrated(blocks: Sequence[BlockNoise]) -> Calibration:
    """The units of a volume, from some of its blocks.

    Args:
        blocks: The noise of each, at least one.

    Returns:
        The maps into these units.

    Raises:
        VolumeError: If no block has a voxel inside.
    """
    features = pooled([block.features for block in blocks])
    if not features.voxels:
        raise VolumeError(
            f"a tree needs at least one voxel inside its mask in the {len(blocks)} block(s) that "
            f"its noise is measured in, and none is. Crop the volume to what the mask covers."
        )
    given = [block.intensities for block in blocks if block.intensities is not None]
    if not given:
        return Calibration(Turn.of(features), None)
    turn = Turn.of(pooled(given))
    return Calibration(Turn.of(features), Turn(turn.middle, VOXEL_WEIGHT * turn.directions))


def _halves(
    cells: NDArray[np.intp], voxels: NDArray[np.int64], axis: int, *, longest: int
) -> list[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """Cells in two parts along an axis, of as many voxels as can be; one part if it is short."""
    along = cells[:, axis]
    first, last = int(along.min()), int(along.max())
    if (last + 1 - first) * CELL <= longest:
        return [(cells, voxels)]
    below = np.cumsum(np.bincount(along - first, voxels))
    lower = along <= first + int(np.abs(below[:-1] - below[-1] / 2).argmin())
    return [(cells[lower], voxels[lower]), (cells[~lower], voxels[~lower])]


def _middle(cells: NDArray[np.intp], voxels: NDArray[np.int64]) -> NDArray[np.intp]:
    """The cell nearest to the middle of all; the middle itself may lie outside the mask."""
    middle = np.average(cells, axis=0, weights=voxels)
    return np.asarray(cells[((cells - middle) ** 2).sum(axis=1).argmin()])


def _homogeneous(
    telling: Float32[np.ndarray, "z y x evidence"],
    inside: Bool[np.ndarray, "z y x"],
    spacing: tuple[float, float, float],
) -> Int32[np.ndarray, "z y x"]:
    """A few regions, as homogeneous as can be told before the noise within regions is known."""
    first = basins(telling, inside, spacing)
    return looked_up(first, fewest(region_graph(first, telling, spacing), _FIRST_REGIONS))


def _spread(name: str, arrays: Mapping[str, NDArray[Any]]) -> Spread:
    return Spread(
        voxels=int(arrays[f"{name}_voxels"]),
        middle=arrays[f"{name}_middle"],
        scatter=arrays[f"{name}_scatter"],
        residuals=int(arrays[f"{name}_residuals"]),
        noise=arrays[f"{name}_noise"],
    )
