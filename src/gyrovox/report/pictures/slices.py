"""Three orthogonal slices of a volume, with the outlines of the classes of each level."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Integer, Shaped

from gyrovox import io
from gyrovox.report.pictures.level import Level, level
from gyrovox.report.pictures.look import (
    FAINT,
    GAP,
    MARGIN,
    TOP,
    Box,
    draw_scale_bar,
    page,
    show,
    write,
)
from gyrovox.report.planes import Plane, grey_slices, middle_planes
from gyrovox.volumes import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from gyrovox.results import ResultFolder

_WIDTH, _TALLEST, _NAMES = 8.4, 2.5, 0.9  # inches
_TINT = 0.16  # of a class' colour inside its outline
_OUTSIDE = 0.55  # brightness of the image outside a mask
_RIM = 1 / 200  # width of an outline, as a share of the slice's longer side
_FINE = 700  # pixels that a slice has at least along its longer side
_COARSE = 1400  # and at most


def slices(result: "ResultFolder", levels: "Sequence[int] | None" = None) -> "Figure":
    """The middle slices of the image, and once more for each level with its classes outlined.

    A class is tinted in its colour, faintly, and has an outline on its own side of the boundary.

    Args:
        result: The result.
        levels: Numbers of classes; by default those of the level files, or 2, 4 and 8.

    Returns:
        A page with a row for the image and one for each level, a column for each of the slices
        xy, xz and yz.

    Raises:
        SettingsError: If the tree has not so many leaves.
    """
    counts = list(levels or result.levels or (2, 4, 8))
    volume = result.image() or result.leaves()
    sheet = _Sheet.of(middle_planes(volume), 1 + len(counts))
    known = volume.voxel_size_nm is not None
    greys = _grey(result, sheet.planes)
    said = "middle slices; each class is outlined in its colour, on its own side"
    figure = page(*sheet.size, result.name, f"{said}{_every(greys)}")
    for column, plane in enumerate(sheet.planes):
        box = sheet.box(0, column)
        axes = show(figure, box, _pixels(greys[column]))
        write(figure, box.left, box.top - 0.2, plane.name, colour=FAINT)
        if column == 0:
            draw_scale_bar(axes, box, plane.extent[1], known=known)
    write(figure, MARGIN, sheet.box(0, 0).top, "image", size=9.5)
    for row, classes in enumerate(counts, start=1):
        one = level(result.trunk, classes)
        top = sheet.box(row, 0).top
        write(figure, MARGIN, top, str(classes), size=13.0, weight="bold")
        write(figure, MARGIN, top + 0.22, "class" if classes == 1 else "classes", size=8.5)
        for column, plane in enumerate(sheet.planes):
            labels = _labels(result, classes, one, plane)
            show(figure, sheet.box(row, column), outlined(greys[column], labels, one.colours))
    return figure


def outlined(
    grey: Float[np.ndarray, "rows columns"],
    labels: Integer[np.ndarray, "rows columns"],
    colours: Float[np.ndarray, "classes 3"],
) -> Float[np.ndarray, "_ _ 3"]:
    """A slice with its classes tinted and outlined.

    Args:
        grey: Grey values in 0..1.
        labels: Classes from 0 on; −1 outside a mask.
        colours: Colour of each class, sRGB in 0..1.

    Returns:
        sRGB in 0..1, with a whole number of pixels for each voxel, at least 700 along the longer
        side.
    """
    bright, classes = _pixels(grey), _pixels(labels)
    inside = classes >= 0
    own = np.concatenate([colours, np.zeros((1, 3))])[classes]
    picture = np.where(
        inside[..., np.newaxis],
        (1 - _TINT) * bright[..., np.newaxis] + _TINT * own,
        _OUTSIDE * bright[..., np.newaxis],
    )
    width = max(1, round(max(picture.shape[:2]) * _RIM))
    rim = _rim(classes, width) & inside
    picture[rim] = own[rim]
    return np.asarray(picture)


def _rim(labels: Integer[np.ndarray, "rows columns"], width: int) -> np.ndarray:
    """Pixels within `width` steps along an axis of a pixel with another label."""
    rim = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        for axis in (0, 1):
            near = [slice(None), slice(None)]
            far = [slice(None), slice(None)]
            near[axis], far[axis] = slice(step, None), slice(None, -step)
            differs = labels[tuple(near)] != labels[tuple(far)]
            rim[tuple(near)] |= differs
            rim[tuple(far)] |= differs
    return rim


@final
@dataclass(frozen=True)
class _Sheet:
    """The page in inches: rows are levels, columns are planes, all at one scale."""

    planes: tuple[Plane, Plane, Plane]
    rows: int
    scale: float
    """Inches per nm, or per voxel."""

    @classmethod
    def of(cls, planes: tuple[Plane, Plane, Plane], rows: int) -> "_Sheet":
        room = _WIDTH - 2 * MARGIN - _NAMES - 2 * GAP
        wide = room / sum(plane.extent[1] for plane in planes)
        tall = _TALLEST / max(plane.extent[0] for plane in planes)
        return cls(planes, rows, min(wide, tall))

    @property
    def row(self) -> float:
        """Height of a row, without the gap."""
        return max(plane.extent[0] for plane in self.planes) * self.scale

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        width = 2 * MARGIN + _NAMES + 2 * GAP
        width += sum(plane.extent[1] for plane in self.planes) * self.scale
        height = TOP + 0.2 + self.rows * (self.row + GAP) - GAP + MARGIN
        return max(width, 6.5), height

    def box(self, row: int, column: int) -> Box:
        """Where a slice is."""
        before = sum(plane.extent[1] for plane in self.planes[:column]) * self.scale
        height, width = self.planes[column].extent
        return Box(
            MARGIN + _NAMES + before + column * GAP,
            TOP + 0.2 + row * (self.row + GAP),
            width * self.scale,
            max(height * self.scale, 0.05),
        )


def _grey(
    result: "ResultFolder", planes: tuple[Plane, Plane, Plane]
) -> list[Float[np.ndarray, "_ _"]]:
    """The image's slices in 0..1; without an image, all grey."""
    image = result.image()
    if image is not None:
        return grey_slices(image, planes)
    return [
        np.full((result.shape[plane.rows], result.shape[plane.columns]), 0.6, np.float32)
        for plane in planes
    ]


def _labels(
    result: "ResultFolder", classes: int, one: Level, plane: Plane
) -> Integer[np.ndarray, "rows columns"]:
    """Classes of a slice, as the level's file has them or, without one, the tree; −1 outside."""
    file = result.levels.get(classes)
    volume: Volume = result.leaves() if file is None else io.read(file)
    found = volume.read(plane.region(result.shape))[0].squeeze(axis=plane.axis).astype(np.int64)
    if file is not None:
        return plane.shown(found - one.first_label)
    # Leaf 0 is outside, where index −1 finds the entry that is appended.
    return plane.shown(np.append(one.of_leaf, -1)[found - 1])


def _pixels(flat: Shaped[np.ndarray, "rows columns"]) -> Shaped[np.ndarray, "_ _"]:
    """A slice with so many pixels that an outline is thin, and no more than a page can show."""
    longest = max(flat.shape)
    step = -(-longest // _COARSE)
    thinned = flat[::step, ::step]
    factor = max(1, -(-_FINE // max(thinned.shape)))
    return np.repeat(np.repeat(thinned, factor, axis=0), factor, axis=1)


def _every(greys: "Sequence[np.ndarray]") -> str:
    step = -(-max(max(grey.shape) for grey in greys) // _COARSE)
    return f"; every {step} voxels" if step > 1 else ""
