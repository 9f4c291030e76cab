"""Grey pictures side by side, with circles about what is at certain places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Float64

from gyrovox.report.pictures.look import GAP, MARGIN, TOP, Box, draw_scale_bar, page, show, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.9  # inches of a picture
_WIDEST = 3.8
_DARKEST, _BRIGHTEST = 0.5, 99.5  # percentiles that are black and white
_FOUND, _TRUE = "#ff9d2e", "#4fc3f7"


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class Section:
    """One picture.

    Args:
        pixels: Grey values, shape (rows, columns).
        title: What it shows.
        pixel_size_nm: Side of a pixel; None where unknown.
        found: Circles (row, column, radius) in pixels, drawn whole.
        true: Circles (row, column, radius) in pixels, dashed: what is really there.
    """

    pixels: Float[np.ndarray, "rows columns"]
    title: str
    pixel_size_nm: float | None = None
    found: Float64[np.ndarray, "n 3"] | None = None
    true: Float64[np.ndarray, "m 3"] | None = None


def sections(parts: Sequence[Section], *, name: str, said: str) -> "Figure":
    """Pictures in a row, each with its own black and white.

    Args:
        parts: At least one.
        name: The heading.
        said: The line below it.

    Returns:
        The page.
    """
    boxes, left = [], MARGIN
    for part in parts:
        rows, columns = part.pixels.shape
        scale = min(_HEIGHT / rows, _WIDEST / columns)
        boxes.append(Box(left, TOP + 0.22, columns * scale, rows * scale))
        left += columns * scale + GAP
    tallest = max(box.height for box in boxes)
    figure = page(max(left - GAP + MARGIN, 5.0), TOP + 0.22 + tallest + MARGIN, name, said)
    for part, box in zip(parts, boxes, strict=True):
        write(figure, box.left, TOP, part.title)
        axes = show(figure, box, _grey(part.pixels))
        for circles, colour, dashes in ((part.true, _TRUE, "--"), (part.found, _FOUND, "-")):
            _circle(axes, circles, colour, dashes)
        size, columns = part.pixel_size_nm, part.pixels.shape[1]
        draw_scale_bar(axes, box, columns * (size or 1.0), known=size is not None)
    return figure


def _grey(pixels: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    low, high = np.nanpercentile(pixels, [_DARKEST, _BRIGHTEST])
    if not high > low:
        return np.full(pixels.shape, 0.5)
    return np.asarray(np.clip((pixels - low) / (high - low), 0.0, 1.0))


def _circle(
    axes: "Axes", circles: Float64[np.ndarray, "n 3"] | None, colour: str, dashes: str
) -> None:
    from matplotlib.patches import Circle

    for row, column, radius in () if circles is None else circles.tolist():
        around = Circle(
            (column, row), radius, fill=False, edgecolor=colour, linestyle=dashes, linewidth=1.2
        )
        axes.add_patch(around)
