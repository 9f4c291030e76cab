"""What a model is trained on: small volumes whole, large ones by boxes spread all over them."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.errors import VolumeError, VolumeMismatchError, VoxelSizeError
from gyrovox.patches import WorkingGrid
from gyrovox.patches.tiling import WHOLE
from gyrovox.settings import Configuration
from gyrovox.volumes import (
    SAME_SIZE_WITHIN,
    NanPolicy,
    Normalisation,
    Region,
    Volume,
    normalisation_of,
)

_MOST_BOXES = 64
_ALL = 4 * WHOLE  # voxels of all volumes together: 160 MB a channel
_TRIES = 4  # at other places, while a box holds nothing but one value


def check_size(volume: Volume, configuration: Configuration) -> None:
    """Refuse a volume that is smaller than what the network reads.

    Args:
        volume: What is to be learned from, embedded or segmented; no voxel is read.
        configuration: The network and how it learns.

    Raises:
        VolumeError: If it is.
    """
    needed = _smallest(configuration)
    shape = _grid(volume).working_shape
    if min(shape) < needed:
        raise VolumeError(
            f"{volume.name}: a volume must have at least {needed} voxels along every axis "
            f"for the patches of this configuration, and this one has {shape} (z, y, x). "
            f"Use a larger volume, or smaller patches."
        )


def check_fits(volume: Volume, in_channels: int, side_nm: float | None) -> None:
    """Refuse a volume that is not like those that a model was trained on.

    Args:
        volume: What is to be embedded or segmented; no voxel is read.
        in_channels: Channels that the model reads.
        side_nm: Side of the cubic voxels that it was trained on, in nm; None where unknown.

    Raises:
        VolumeMismatchError: If it has other channels.
        VoxelSizeError: If it has another voxel size.
    """
    if volume.channels != in_channels:
        raise VolumeMismatchError(
            f"{volume.name}: the model was trained on {in_channels} channel(s), and this volume "
            f"has {volume.channels}. Pass as many files, joined by commas, or train a model on "
            f"this one."
        )
    side = _grid(volume).side_nm
    if side is None or side_nm is None:
        return
    if abs(side - side_nm) > SAME_SIZE_WITHIN * side_nm:
        raise VoxelSizeError(
            f"{volume.name}: the model was trained on voxels of {side_nm:g} nm, and this "
            f"volume's are {side:g} nm along their finest axis. Resample the volume, or train a "
            f"model on it."
        )


def training_boxes(
    volumes: Sequence[Volume],
    configuration: Configuration,
    *,
    seed: int,
    nan_policy: NanPolicy = "error",
) -> list[Float[Tensor, "... channels _z _y _x"]]:
    """What to train on, normalised and on working grids, so small that memory is bounded.

    A volume of up to 10 million working voxels, or of its share where there are more than four, is
    taken whole. Of a larger one a sample of that size is taken: at most 64 boxes, one at random
    from each cell of a grid over the volume. Boxes of one value only are left out if others are
    found. Only the boxes are kept in memory, after passes over the volume for its statistics.

    Args:
        volumes: What is learned from.
        configuration: The network and how it learns: how large a box must be.
        seed: Seed of the boxes' places.
        nan_policy: What to do with NaN and infinite voxels.

    Returns:
        For each volume a tensor of shape ``(channels, Z, Y, X)``, or ``(boxes, channels, Z, Y, X)``
        if it is too large to be taken whole.

    Raises:
        VolumeError: If a volume cannot be worked with.
    """
    share = min(WHOLE, _ALL // len(volumes))
    found = []
    for number, volume in enumerate(volumes):
        source = _Normalised(volume, normalisation_of(volume, nan_policy=nan_policy))
        shape = source.grid.working_shape
        if math.prod(shape) <= share:
            found.append(source.read(Region.whole(shape)))
        else:
            places = np.random.default_rng((seed, number))
            found.append(_sample(source, _needed_side(configuration), share, places))
    return found


@final
@dataclass(frozen=True)
class _Normalised:
    """A volume's voxels, normalised, on its working grid, read where asked for."""

    volume: Volume
    normalisation: Normalisation

    @property
    def grid(self) -> WorkingGrid:
        return _grid(self.volume)

    def read(self, region: Region) -> Float[Tensor, "channels Z Y X"]:
        excerpt = self.grid.onto(region)
        voxels = self.normalisation.apply(self.volume.read(excerpt.region))
        return excerpt.interpolated(torch.from_numpy(voxels))


def _sample(
    source: _Normalised, needed: int, share: int, places: np.random.Generator
) -> Float[Tensor, "boxes channels Z Y X"]:
    """Boxes from all over a volume, of about ``share`` voxels together."""
    shape = source.grid.working_shape
    side = max(needed, math.floor(math.cbrt(share / _MOST_BOXES)))
    box = tuple(min(side, length) for length in shape)
    cells = _cells(shape, side, most=min(_MOST_BOXES, max(1, share // math.prod(box))))
    boxes = torch.empty((len(cells), source.volume.channels, *box))
    kept = 0
    for cell in cells:
        for _ in range(_TRIES):
            boxes[kept] = source.read(_box_in(cell, box, shape, places))
            if _varies(boxes[kept]):
                kept += 1
                break
    # Where nothing but one value was found, a step from it is still better than none.
    return boxes[: max(kept, 1)]


def _cells(shape: tuple[int, ...], side: int, *, most: int) -> list[Region]:
    """At most so many cells, as near to cubes as can be, that cover a grid once."""
    counts = [1, 1, 1]
    while True:
        lengths = [length / count for length, count in zip(shape, counts, strict=True)]
        longest = lengths.index(max(lengths))
        counts[longest] += 1
        if math.prod(counts) > most or lengths[longest] <= side:
            counts[longest] -= 1
            break
    spans = [
        list(itertools.pairwise([length * part // count for part in range(count + 1)]))
        for length, count in zip(shape, counts, strict=True)
    ]
    return [
        Region((z0, y0, x0), (z1, y1, x1))
        for (z0, z1), (y0, y1), (x0, x1) in itertools.product(*spans)
    ]


def _box_in(
    cell: Region, box: tuple[int, ...], shape: tuple[int, ...], places: np.random.Generator
) -> Region:
    """A box whose centre is anywhere in a cell, as far as the grid has room for it."""
    start = []
    for first, stop, side, length in zip(cell.start, cell.stop, box, shape, strict=True):
        lowest = min(max(first - side // 2, 0), length - side)
        highest = min(max(stop - 1 - side // 2, 0), length - side)
        start.append(int(places.integers(lowest, highest, endpoint=True)))
    z, y, x = start
    return Region((z, y, x), (z + box[0], y + box[1], x + box[2]))


def _varies(box: Float[Tensor, "channels Z Y X"]) -> bool:
    return bool((box.amax((1, 2, 3)) > box.amin((1, 2, 3))).any())


def _needed_side(configuration: Configuration) -> int:
    """Working voxels that a box must have along every axis to be as good as a whole volume."""
    model, training = configuration.model, configuration.training
    if model.encoder == "dense":
        return training.crop_size + model.input_size - 1
    # Parents are at most half as large as what they are drawn from.
    return max(2 * training.parent_sides[1], _smallest(configuration))


def _smallest(configuration: Configuration) -> int:
    """Working voxels that a volume must have along every axis to be trained on."""
    if configuration.model.encoder == "dense":
        return configuration.model.receptive_size
    training = configuration.training
    return max(2 * training.parent_sides[0], training.embed_side + 1)


def _grid(volume: Volume) -> WorkingGrid:
    return WorkingGrid(volume.spatial_shape, volume.voxel_size_nm)
