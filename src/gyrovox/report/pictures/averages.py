"""An average of sub-volumes: three slices through its centre, and how far its halves agree."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from gyrovox.report.pictures.look import FAINT, GAP, MARGIN, TOP, Box, axes_in, page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.particles.averaging import Average
    from gyrovox.tomography.fourier_shell import FourierShellCorrelation

_SIDE = 1.75  # inches of a slice
_CURVE = Box(MARGIN + 0.4, TOP + 0.3 + _SIDE + 0.35, 5.1, 2.0)
_BLUE, _GREY = "#2452a4", "#a9a9a9"
_THRESHOLDS = (0.143, 0.5)


def average_page(
    average: "Average",
    *,
    name: str,
    beside: "dict[str, FourierShellCorrelation] | None" = None,
) -> "Figure":
    """A page of an average.

    Args:
        average: What to show.
        name: What to call it.
        beside: Other curves to draw, by what they are of.

    Returns:
        The page: slices of the filtered average, dense matter dark, and the curve.
    """
    count = len(average.particles)
    figure = page(
        _CURVE.left + _CURVE.width + MARGIN,
        _CURVE.top + _CURVE.height + 0.55,
        name,
        f"{count} particles; {average.resolution_nm():.2f} nm at 0.143, "
        f"{average.resolution_nm(0.5):.2f} nm at 0.5; dashed: the mask",
    )
    for index, (axis, said) in enumerate((
        (2, "z up, y right"),
        (1, "z up, x right"),
        (0, "y up, x right"),
    )):
        left = MARGIN + index * (_SIDE + GAP)
        write(figure, left, TOP, said, colour=FAINT)
        axes = axes_in(figure, Box(left, TOP + 0.22, _SIDE, _SIDE))
        _draw_slice(axes, average.volume, average.mask, axis)
    _draw_curves(
        axes_in(figure, _CURVE, bare=False),
        {"halves": average.correlation, **(beside or {})},
        average.voxel_size_nm,
    )
    return figure


def _draw_slice(
    axes: "Axes",
    volume: Float32[np.ndarray, "box box box"],
    mask: Float32[np.ndarray, "box box box"],
    axis: int,
) -> None:
    middle = volume.shape[0] // 2
    plane, seen = (np.take(voxels, middle, axis=axis) for voxels in (volume, mask))
    inside = volume[mask > 0.5]
    low, high = np.percentile(inside, (0.5, 99.8)).tolist()
    axes.imshow(-plane, cmap="gray", vmin=-high, vmax=-low, origin="lower")
    axes.contour(seen, levels=[0.5], colors=[_BLUE], linewidths=0.7, linestyles="dashed")


def _draw_curves(
    axes: "Axes", curves: "dict[str, FourierShellCorrelation]", voxel_size_nm: float
) -> None:
    inks = (_BLUE, "#b4552d", "#3b7f5c")
    for ink, (said, curve) in zip(inks, curves.items(), strict=False):
        axes.plot(
            curve.frequencies[1:] / voxel_size_nm,
            curve.correlations[1:],
            color=ink,
            linewidth=1.6,
            label=said,
        )
    for threshold in _THRESHOLDS:
        axes.axhline(threshold, color=_GREY, linewidth=0.7, linestyle="dotted")
        axes.annotate(
            f"{threshold:g}",
            (0.01, threshold),
            xycoords=("axes fraction", "data"),
            fontsize=7.5,
            ha="left",
            va="bottom",
            color=FAINT,
        )
    axes.set_ylim(-0.1, 1.03)
    axes.set_xlim(0, 0.5 / voxel_size_nm)
    axes.set_xlabel("frequency in 1/nm", fontsize=8.5)
    axes.set_ylabel("Fourier shell correlation", fontsize=8.5)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=8)
