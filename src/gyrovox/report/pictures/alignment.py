"""The alignment of a tilt series: what it was aligned by, residuals, shifts."""

from typing import TYPE_CHECKING

import numpy as np

from gyrovox.report.pictures.look import (
    FAINT,
    GAP,
    MARGIN,
    TOP,
    Box,
    axes_in,
    draw_scale_bar,
    page,
    show,
    write,
)
from gyrovox.tomography import TiltSeries
from gyrovox.tomography.alignment import Alignment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE, _WIDTH, _LEFT = 2.9, 2.6, 0.6  # inches of the image, of a curve, and left of it
_BLUE, _ORANGE = "#2452a4", "#ff9d2e"


def alignment_picture(series: TiltSeries, found: Alignment) -> "Figure":
    """The least tilted image with landmarks where they should be, and curves over the tilt.

    Args:
        series: The series as it was aligned.
        found: Its alignment.

    Returns:
        A page with three panels.
    """
    geometry = found.series.geometry
    index = int(np.abs(geometry.tilt_degrees).argmin())
    image = series.images[index]
    scale = _SIDE / max(image.shape)
    box = Box(MARGIN, TOP + 0.22, image.shape[1] * scale, image.shape[0] * scale)
    width = box.left + box.width + 2 * (_LEFT + _WIDTH) + MARGIN
    height = TOP + 0.22 + max(box.height, _SIDE * 0.8) + 0.45
    figure = page(width, height, series.name, _said(found))
    write(figure, box.left, TOP, f"image at {geometry.tilt_degrees[index]:.0f}°, landmarks")
    low, high = np.percentile(image, [0.5, 99.5])
    axes = show(figure, box, np.clip((image - low) / max(high - low, 1e-12), 0, 1))
    centre = np.array(image.shape) // 2
    places = geometry.project(found.landmarks)[index] + centre
    axes.plot(places[:, 1], places[:, 0], "o", color=_ORANGE, fillstyle="none", markersize=7)
    axes.set(xlim=(-0.5, image.shape[1] - 0.5), ylim=(image.shape[0] - 0.5, -0.5))
    draw_scale_bar(axes, box, image.shape[1] * series.pixel_size_nm, known=True)
    left = box.left + box.width + GAP
    for title, draw in (("residual, pixels", _residuals), ("shift, pixels", _shifts)):
        left += _LEFT - GAP
        write(figure, left, TOP, title)
        panel = axes_in(figure, Box(left, TOP + 0.22, _WIDTH, height - TOP - 0.67), bare=False)
        draw(panel, found)
        panel.set_xlabel("tilt, degrees")
        left += _WIDTH + GAP
    return figure


def _said(found: Alignment) -> str:
    if found.mean_residual is None or found.max_residual is None:
        return f"aligned by neighbours: {len(found.series)} images"
    kind = "beads" if found.method == "fiducial" else "patches"
    return (
        f"aligned by {len(found.landmarks)} {kind}: residual {found.mean_residual:.2f} pixels in "
        f"the mean, {found.max_residual:.2f} at most"
    )


def _residuals(axes: "Axes", found: Alignment) -> None:
    if not found.residuals.size:
        axes.text(0.5, 0.5, "none: no landmarks", ha="center", color=FAINT, fontsize=8.5)
        axes.set(xticks=[], yticks=[])
        return
    order = np.argsort(found.series.geometry.tilt_degrees)
    tilts = found.series.geometry.tilt_degrees[order]
    rows = [row[~np.isnan(row)] for row in found.residuals[order]]
    means = [row.mean() if row.size else np.nan for row in rows]
    most = [row.max() if row.size else np.nan for row in rows]
    axes.plot(tilts, most, color=FAINT, linewidth=1, label="largest")
    axes.plot(tilts, means, color=_BLUE, linewidth=1.5, label="mean")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)


def _shifts(axes: "Axes", found: Alignment) -> None:
    geometry = found.series.geometry
    order = np.argsort(geometry.tilt_degrees)
    for axis, (name, colour) in enumerate((("v, down", _BLUE), ("u, right", _ORANGE))):
        axes.plot(
            geometry.tilt_degrees[order],
            geometry.shifts[order, axis],
            color=colour,
            linewidth=1.5,
            label=name,
        )
    axes.legend(frameon=False, fontsize=8)
