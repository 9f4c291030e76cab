"""The slices of a page: three orthogonal planes at several depths, of the image and every level.

Every file is read once, slab by slab, so that memory does not grow with the volume; what is larger
than a screen is shown by every so many voxels.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np
from jaxtyping import Int64, Shaped, UInt8
from numpy.typing import NDArray

from gyrovox.report.planes import Plane, middle_planes, stretched
from gyrovox.volumes import Volume, slabs

_SLAB = 2**22  # bytes that are read at a time: counting takes eight times those of uint8
_SIDES = (320, 256, 192, 128, 96, 64, 48, 32)
_DEPTHS = (9, 7, 5, 3)
# Bytes of all pictures together, uncompressed, as they mostly are and as they are at worst.
_TYPICAL, _WORST = 1_500_000, 5_000_000
_LABEL_SHARE = 0.15  # of a byte: what a pixel of labels takes once it is packed


@final
@dataclass(frozen=True, kw_only=True)
class Views:
    """What is seen of a volume on a page.

    Args:
        planes: For xy, xz and yz the slices that are shown, from the first depth to the last.
        steps: Every so many voxels along (z, y, x) are shown.
        greys: By plane and depth, the image in 0..255; none where there is no image.
        labels: By number of classes, then by plane and depth: labels as they are in the file.
        counts: By number of classes, voxels of every label of the whole volume.
        not_finite: Values of the image that are NaN or infinite, in all channels.
    """

    planes: tuple[tuple[Plane, ...], ...]
    steps: tuple[int, int, int]
    greys: tuple[tuple[UInt8[np.ndarray, "_ _"], ...], ...]
    labels: Mapping[int, tuple[tuple[NDArray[Any], ...], ...]]
    counts: Mapping[int, Int64[np.ndarray, "_"]]
    not_finite: int

    def middle(self, row: int) -> int:
        """Which of the depths of a plane is the one in the middle of the volume."""
        return len(self.planes[row]) // 2


def views(
    levels: Mapping[int, Volume], image: Volume | None, *, depths: int | None = None
) -> Views:
    """The slices of some label volumes, and of the image that they are of.

    Args:
        levels: Label volumes by number of classes, at least one, all of one shape.
        image: The image, of which the first channel is shown; None if it is gone.
        depths: How many slices of each plane, odd; by default as many as a page has room for.

    Returns:
        The slices.
    """
    volume = next(iter(levels.values())) if image is None else image
    shape = volume.spatial_shape
    steps, most = _room(shape, len(levels), wide=max(levels) > 255)
    planes = tuple(_at_depths(plane, shape, depths or most) for plane in middle_planes(volume))
    labels, counts = {}, {}
    for k, level in sorted(levels.items()):
        counted = Counter[int]()
        labels[k] = _gathered(level, planes, steps, partial(_count, counted))
        found = np.zeros(max(counted, default=-1) + 1, np.int64)
        found[list(counted)] = list(counted.values())
        counts[k] = found
    greys: tuple[tuple[UInt8[np.ndarray, "_ _"], ...], ...] = ()
    odd = Counter[int]()
    if image is not None:
        slices = _gathered(image, planes, steps, partial(_count_not_finite, odd))
        flat = stretched([one.astype(np.float32) for row in slices for one in row])
        shown = iter([np.round(one * 255).astype(np.uint8) for one in flat])
        greys = tuple(tuple(next(shown) for _ in row) for row in slices)
    return Views(
        planes=planes,
        steps=steps,
        greys=greys,
        labels=labels,
        counts=counts,
        not_finite=odd.total(),
    )


def _count(counted: Counter[int], voxels: Shaped[np.ndarray, "channels z y x"]) -> None:
    """Add up how often every label came."""
    found = np.bincount(voxels.reshape(-1))
    counted.update({label: int(found[label]) for label in np.flatnonzero(found).tolist()})


def _count_not_finite(odd: Counter[int], voxels: Shaped[np.ndarray, "channels z y x"]) -> None:
    if voxels.dtype.kind == "f":
        odd[0] += int((~np.isfinite(voxels)).sum())


def _room(
    shape: tuple[int, int, int], levels: int, *, wide: bool
) -> tuple[tuple[int, int, int], int]:
    """The steps and the number of depths that a page has room for."""
    label = 4 if wide else 1  # bytes of a pixel
    for side in _SIDES:
        z, y, x = (-(-length // side) for length in shape)
        depth, height, width = (
            -(-length // step) for length, step in zip(shape, (z, y, x), strict=True)
        )
        pixels = height * width + depth * width + depth * height
        typical = pixels * (1 + _LABEL_SHARE * label * levels)
        worst = pixels * (1 + label * levels)
        for depths in _DEPTHS:
            if depths * typical <= _TYPICAL and depths * worst <= _WORST:
                return (z, y, x), depths
    return (z, y, x), 1


def _at_depths(plane: Plane, shape: tuple[int, int, int], depths: int) -> tuple[Plane, ...]:
    """A plane at several depths, evenly spread about the middle one; fewer where there are none."""
    length = shape[plane.axis]
    count = min(depths, length if length % 2 else length - 1)
    gap = length / (count + 1)
    middle = plane.index
    places = [middle + round((i - count // 2) * gap) for i in range(count)]
    return tuple(replace(plane, index=min(max(place, 0), length - 1)) for place in places)


def _gathered(
    volume: Volume,
    planes: Sequence[Sequence[Plane]],
    steps: tuple[int, int, int],
    look: Callable[[Shaped[np.ndarray, "channels z y x"]], None],
) -> tuple[tuple[NDArray[Any], ...], ...]:
    """The slices of the first channel as they are shown; all voxels are looked at on the way."""
    sides = [-(-side // step) for side, step in zip(volume.spatial_shape, steps, strict=True)]
    flats = [
        [np.zeros([sides[i] for i in range(3) if i != one.axis], volume.dtype) for one in row]
        for row in planes
    ]
    for slab in slabs(volume.source, max_bytes=_SLAB):
        voxels = volume.read(slab)
        look(voxels)
        first = slab.start[0]
        for row, found in zip(planes, flats, strict=True):
            for plane, flat in zip(row, found, strict=True):
                _take(voxels[0], first, plane, steps, flat)
    return tuple(
        tuple(plane.shown(flat) for plane, flat in zip(row, found, strict=True))
        for row, found in zip(planes, flats, strict=True)
    )


def _take(
    voxels: Shaped[np.ndarray, "slab y x"],
    first: int,
    plane: Plane,
    steps: tuple[int, int, int],
    into: Shaped[np.ndarray, "rows columns"],
) -> None:
    """What a slab, which begins at the slice `first`, has of a plane."""
    z, y, x = steps
    if plane.axis == 0:
        if first <= plane.index < first + len(voxels):
            into[:] = voxels[plane.index - first, ::y, ::x]
        return
    along = x if plane.axis == 1 else y
    part = np.take(voxels[-first % z :: z], plane.index, axis=plane.axis)[:, ::along]
    start = -(-first // z)
    into[start : start + len(part)] = part
