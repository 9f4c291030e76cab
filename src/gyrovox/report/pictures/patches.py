"""Patches of the image whose codes lie nearest to the centre of their class, and farthest."""

from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float32, Int32, Integer

from gyrovox.errors import PictureError
from gyrovox.report.pictures.level import Level
from gyrovox.report.pictures.look import FAINT, MARGIN, TOP, Box, axes_in, greys, page, write
from gyrovox.volumes import Region, Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gyrovox.report.pictures.voxel_codes import VoxelCodes
    from gyrovox.results import ResultFolder

_EACH = 6  # patches of a class that are near, and that are far
_MOST_CLASSES = 16
_SIDE, _BETWEEN, _APART, _NAMES = 0.66, 0.06, 0.35, 1.0  # inches
_AROUND = 21  # voxels that are shown along each axis, at least
_FRAME = "#f08a24"
_LOOKED_AT = 20_000  # of the nearest codes of a class, until six are found that are apart


def patches(
    result: "ResultFolder", one: Level, codes: "VoxelCodes", *, patch_side: int | None = None
) -> "Figure":
    """For every class of a level, patches with the codes nearest to and farthest from its centre.

    A patch is the xy slice through its middle voxel, with some of what lies around it. Middle
    voxels of a kind are a patch apart; beyond the faces of the volume there is nothing to see.

    Args:
        result: The result; its image must be there.
        one: The level; of more than 16 classes the largest are shown.
        codes: Codes of its voxels, which are chosen from.
        patch_side: Side of the patch that a code is made from, in voxels, to be framed; no frame
            without it.

    Returns:
        A page with a row for each class.

    Raises:
        PictureError: If the image is gone.
    """
    image = result.image()
    if image is None:
        raise PictureError(
            "patches are cut from the image, and the image of this result is gone. Put it back "
            "where run.json says."
        )
    around = max(_AROUND, 2 * (patch_side or 0) + 1)
    shown = min(len(one.nodes), _MOST_CLASSES)
    row = _SIDE + 2 * _BETWEEN
    width = 2 * MARGIN + _NAMES + 2 * _EACH * (_SIDE + _BETWEEN) + _APART
    frame = "" if patch_side is None else f"; framed: what a code is made from, {patch_side}³"
    apart = patch_side or around // 2
    figure = page(
        width,
        TOP + 0.28 + shown * row + MARGIN,
        result.name,
        f"by the distance of a code to the centre of its class; codes of {codes.said}{frame}",
    )
    far = MARGIN + _NAMES + _EACH * (_SIDE + _BETWEEN) + _APART
    write(figure, MARGIN + _NAMES, TOP, "nearest to the centre", size=9.5)
    write(figure, far, TOP, "farthest from it", size=9.5)
    scale = _grey_scale(image, codes)
    canvas = _Canvas(figure, patch_side)
    for index in range(shown):
        top = TOP + 0.28 + index * row
        _draw_name(figure, one, index, top)
        nearest, farthest = nearest_and_farthest(one, index, codes, result, apart=apart)
        for left, places in ((MARGIN + _NAMES, nearest), (far, farthest)):
            for step, place in enumerate(places):
                box = Box(left + step * (_SIDE + _BETWEEN), top, _SIDE, _SIDE)
                canvas.draw(_cut(image, place, around, scale), box)
    return figure


@final
class _Canvas:
    """One set of axes for all patches, in inches of the page: a set for each would take seconds."""

    def __init__(self, figure: "Figure", patch_side: int | None) -> None:
        width, height = figure.get_size_inches()
        self._axes = axes_in(figure, Box(0.0, 0.0, float(width), float(height)))
        self._limits = (0, width), (height, 0)
        self._patch_side = patch_side

    def draw(self, patch: Float32[np.ndarray, "side side"], box: Box) -> None:
        """A patch, with its frame."""
        from matplotlib.patches import Rectangle

        axes, side = self._axes, box.width / len(patch)
        extent = (box.left, box.left + box.width, box.top + box.height, box.top)
        axes.imshow(patch, cmap=greys(), vmin=0, vmax=1, extent=extent, interpolation="nearest")
        if self._patch_side is not None:
            framed, rest = self._patch_side * side, (len(patch) - self._patch_side) // 2 * side
            corner = (box.left + rest, box.top + rest)
            axes.add_patch(
                Rectangle(corner, framed, framed, facecolor="none", edgecolor=_FRAME, linewidth=1.1)
            )
        axes.set(xlim=self._limits[0], ylim=self._limits[1], aspect="auto")


def nearest_and_farthest(
    one: Level, index: int, codes: "VoxelCodes", result: "ResultFolder", *, apart: int
) -> tuple[list[Int32[np.ndarray, "3"]], list[Int32[np.ndarray, "3"]]]:
    """Voxels of a class whose codes lie nearest to the mean of its node, and farthest from it.

    Args:
        one: The level.
        index: Which of its classes.
        codes: Codes of voxels.
        result: The result.
        apart: Voxels that any two lie apart along some axis, at least.

    Returns:
        At most six voxels (z, y, x) of each kind, the nearest first and the farthest first.
    """
    members = np.flatnonzero(one.of_leaf[codes.leaves] == index)
    far = codes.distances(members, result.trunk.codes[one.nodes[index]])
    order = members[np.argsort(far, kind="stable")]
    return (
        _spread_out(codes.places, order[:_LOOKED_AT], apart),
        _spread_out(codes.places, order[::-1][:_LOOKED_AT], apart),
    )


def _spread_out(
    places: Int32[np.ndarray, "voxels 3"], order: Integer[np.ndarray, "_"], apart: int
) -> list[Int32[np.ndarray, "3"]]:
    """The first voxels of an order, each apart from all before it."""
    chosen: list[Int32[np.ndarray, "3"]] = []
    waiting = places[order]
    while len(waiting) and len(chosen) < _EACH:
        chosen.append(waiting[0])
        waiting = waiting[np.abs(waiting - waiting[0]).max(axis=1) >= apart]
    return chosen


def _cut(
    image: Volume, place: Int32[np.ndarray, "3"], side: int, scale: tuple[float, float]
) -> Float32[np.ndarray, "side side"]:
    """The xy slice around a voxel in 0..1; NaN beyond the faces of the volume."""
    z, middle = int(place[0]), place[1:].astype(int)
    first = middle - side // 2
    start = np.maximum(first, 0)
    stop = np.minimum(first + side, image.spatial_shape[1:])
    region = Region((z, int(start[0]), int(start[1])), (z + 1, int(stop[0]), int(stop[1])))
    voxels = image.read(region)[0, 0].astype(np.float32)
    low, high = scale
    found = np.full((side, side), np.nan, np.float32)
    (y, x), (height, width) = (start - first).tolist(), voxels.shape
    found[y : y + height, x : x + width] = (np.nan_to_num(voxels, nan=low) - low) / (high - low)
    return np.clip(found, 0, 1)


def _grey_scale(image: Volume, codes: "VoxelCodes") -> tuple[float, float]:
    """What is black and what is white in all patches alike."""
    values = codes.intensities
    if values is None:
        values = image.read()[0].astype(np.float32).reshape(-1)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (0.5, 99.5)).tolist() if len(finite) else (0.0, 1.0)
    return low, max(high, low + float(np.finfo(np.float32).tiny))


def _draw_name(figure: "Figure", one: Level, index: int, top: float) -> None:
    swatch = axes_in(figure, Box(MARGIN, top + 0.03, 0.16, _SIDE - 0.06))
    swatch.imshow(one.colours[index][np.newaxis, np.newaxis], aspect="auto")
    write(figure, MARGIN + 0.24, top + 0.1, f"class {one.label(index)}", size=9.5)
    write(figure, MARGIN + 0.24, top + 0.3, f"node {one.nodes[index] + 1}", size=7.5, colour=FAINT)
