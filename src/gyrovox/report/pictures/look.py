"""What all pictures have in common: pages in inches, inks, headings, scale bars, files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Shaped

from gyrovox.report.scale_bar import scale_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK = "#22252a"
FAINT = "#7b818a"
PAPER = "#f4f5f6"
_NOTHING = "#e3e6ea"  # beyond the faces of a volume
MARGIN, TOP, GAP = 0.3, 0.78, 0.14  # inches; the heading is in the top
_DPI = 150


@final
@dataclass(frozen=True)
class Box:
    """A part of a page, in inches from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


def page(width: float, height: float, name: str, said: str) -> "Figure":
    """An empty page with a heading.

    Args:
        width: Inches, margins included.
        height: Inches, margins and heading included.
        name: What the picture is of.
        said: The line below: what is shown, and how much of it.

    Returns:
        The figure, which belongs to no window and to no global state.
    """
    # Not pyplot: a library leaves the caller's figures and backend alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    write(figure, MARGIN, 0.17, name, size=12.5, weight="bold")
    write(figure, MARGIN, 0.42, said, size=8.5, colour=FAINT)
    return figure


def write(
    figure: "Figure",
    left: float,
    top: float,
    text: str,
    *,
    size: float = 8.5,
    colour: str = INK,
    weight: str = "normal",
    align: str = "left",
) -> None:
    """Put text on a page.

    Args:
        figure: The page.
        left: Where it begins (or, by `align`, ends), in inches from the left.
        top: Where its upper edge lies, in inches from the top.
        text: What to write.
        size: In points.
        colour: Its colour.
        weight: ``normal`` or ``bold``.
        align: ``left``, ``center`` or ``right``.
    """
    width, height = figure.get_size_inches()
    figure.text(
        left / width,
        1 - top / height,
        text,
        va="top",
        ha=align,
        fontsize=size,
        color=colour,
        weight=weight,
        parse_math=False,
    )


def axes_in(figure: "Figure", box: Box, *, bare: bool = True) -> "Axes":
    """Axes that fill a part of a page.

    Args:
        figure: The page.
        box: The part.
        bare: Whether there are no ticks and no frame.

    Returns:
        The axes.
    """
    width, height = figure.get_size_inches()
    bottom = height - box.top - box.height
    axes = figure.add_axes((
        box.left / width,
        bottom / height,
        box.width / width,
        box.height / height,
    ))
    if bare:
        axes.set_axis_off()
        return axes
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=FAINT, labelcolor=INK, labelsize=8, length=3)
    axes.xaxis.label.set(size=8.5, color=INK)
    axes.yaxis.label.set(size=8.5, color=INK)
    return axes


def show(
    figure: "Figure",
    box: Box,
    picture: Shaped[np.ndarray, "rows columns *channels"],
) -> "Axes":
    """Put a slice on a page.

    Args:
        figure: The page.
        box: Where.
        picture: Grey values (rows, columns) in 0..1, or sRGB (rows, columns, 3); NaN
            is neither.

    Returns:
        The axes that it is in.
    """
    axes = axes_in(figure, box)
    axes.imshow(picture, cmap=greys(), vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    return axes


def greys() -> "Colormap":
    """From black to white; what is no number, such as what lies beyond the volume, is tinted."""
    from matplotlib import colormaps

    return colormaps["gray"].with_extremes(bad=_NOTHING)


def draw_scale_bar(axes: "Axes", box: Box, extent: float, *, known: bool) -> None:
    """A scale bar in the lower right corner of a slice.

    Args:
        axes: The slice, as `show` gave it.
        box: Where it is.
        extent: Its width, in nm; in voxels where `known` is False.
        known: Whether the voxel size is known.
    """
    from matplotlib.patheffects import withStroke

    length, name = scale_bar(extent, known=known)
    outline = [withStroke(linewidth=3, foreground="black", alpha=0.75)]
    right, bottom = 1 - 0.1 / box.width, 0.1 / box.height
    axes.plot(
        [right - length / extent, right],
        [bottom, bottom],
        transform=axes.transAxes,
        color="white",
        linewidth=2.2,
        solid_capstyle="butt",
        path_effects=outline,
    )
    axes.text(
        right,
        bottom + 0.05 / box.height,
        name,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        color="white",
        fontsize=8,
        path_effects=outline,
    )


def save(figure: "Figure", path: Path, *, dpi: int = _DPI) -> None:
    """Write a picture; the same one twice is the same file.

    Args:
        figure: The picture.
        path: A .png, .svg or .pdf; written over.
        dpi: Dots per inch of a .png, and of slices in the others.
    """
    from matplotlib import rc_context

    facts: dict[str, dict[str, str | None]] = {
        ".png": {"Software": "gyrovox"},
        ".svg": {"Creator": "gyrovox", "Date": None},
        ".pdf": {"Creator": "gyrovox", "CreationDate": None},
    }
    # The salt makes the names of clip paths in an SVG the same every time.
    with rc_context({"svg.hashsalt": "gyrovox", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=dpi, metadata=facts.get(path.suffix.lower(), {}))
