"""The overview: one picture that shows what a segmentation made of a volume."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped

from gyrovox.report.latent_plane import LatentPlane, latent_plane
from gyrovox.report.palette import class_colours
from gyrovox.report.planes import Plane, grey_slices, middle_planes, tinted
from gyrovox.report.scale_bar import physical, scale_bar
from gyrovox.volumes.region import Region
from gyrovox.volumes.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = Integer[np.ndarray, "z y x"]

_INK = "#22252a"
_FAINT = "#8a9099"
# Inches.
_COLUMN, _GAP, _LEFT, _RIGHT, _TOP, _BOTTOM = 2.35, 0.14, 0.42, 0.25, 0.92, 0.22
_BAR, _MOST_BARS = 0.2, 16
_TALLEST = 2.9
_GREY = np.full((1, 3), 0.28)  # codes without a class
_OUTSIDE = 0.55  # brightness of the image outside a mask


@dataclass(frozen=True)
class _Sheet:
    """The page in inches: rows are planes, then bars, then the latent plane; columns are levels."""

    planes: tuple[Plane, ...]
    columns: int
    bars: int
    has_latents: bool

    @property
    def scale(self) -> float:
        """Inches per nm (or per voxel): one for all slices, so that they can be compared."""
        widest = max(plane.extent[1] for plane in self.planes)
        tallest = max(plane.extent[0] for plane in self.planes)
        return min(_COLUMN / widest, _TALLEST / tallest)

    @property
    def rows(self) -> list[float]:
        """Heights from top to bottom."""
        slices = [max(plane.extent[0] * self.scale, 0.16) for plane in self.planes]
        return [*slices, self.bars * _BAR, *([_COLUMN] if self.has_latents else [])]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        width = _LEFT + self.columns * (_COLUMN + _GAP) - _GAP + _RIGHT
        return width, _TOP + sum(self.rows) + _GAP * (len(self.rows) + 1) + _BOTTOM

    def box(
        self, row: int, column: int, width: float = _COLUMN
    ) -> tuple[float, float, float, float]:
        """(left, bottom, width, height) of a cell in shares of the page."""
        page_width, page_height = self.size
        # The bars keep a double gap from the slices above them.
        top = _TOP + sum(self.rows[:row]) + _GAP * (row + (row >= len(self.planes)))
        left = _LEFT + column * (_COLUMN + _GAP)
        return (
            left / page_width,
            1 - (top + self.rows[row]) / page_height,
            width / page_width,
            self.rows[row] / page_height,
        )


def overview(
    volume: Volume,
    levels: Mapping[int, Labels],
    path: Path,
    *,
    latent: Float[np.ndarray, "z y x dim"] | None = None,
    curvature: float = -1.0,
    inside: Bool[np.ndarray, "z y x"] | None = None,
    caption: str = "",
    whole: Volume | None = None,
) -> None:
    """Write the overview of a segmentation as a picture.

    Three orthogonal middle slices of the image stand beside the same slices of each level. The
    classes that one class of a coarser level is made of are shades of its colour; bars show the
    share of the voxels that a class takes. What is outside a mask stays grey.

    Args:
        volume: The image; its first channel is shown.
        levels: Labels (z, y, x) by number of classes: from 0, or with a mask from 1.
        path: The picture, .png, .pdf or .svg; written over.
        latent: Codes (tangent vectors at the origin) of the voxels; shown if two-dimensional.
        curvature: Sectional curvature of the space of the codes; 0 if it is flat.
        inside: Where there are classes, shape (z, y, x); None for everywhere.
        caption: A line below the title, such as the settings.
        whole: What the title speaks of, where `volume` has only every so many of its voxels.
    """
    # Not pyplot: a library leaves the caller's figures and backend alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = sorted(levels)
    planes = middle_planes(volume)
    greys = grey_slices(volume, planes)
    colours = _colours(volume, levels, inside)
    classes = {k: _classes(labels, inside) for k, labels in levels.items()}
    shown = _plane_of(latent if order else None, inside, curvature=curvature)
    bars = max([6, *(min(len(colours[k]), _MOST_BARS) for k in order)])
    sheet = _Sheet(planes, 1 + len(order), bars, shown is not None)
    figure = Figure(figsize=sheet.size, dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    _title(figure, sheet, whole or volume, caption)
    _draw_slices(figure, sheet, 0, [np.stack([grey] * 3, axis=-1) for grey in greys], "image")
    _draw_scale_bar(figure, sheet, known=volume.voxel_size_nm is not None)
    for column, k in enumerate(order, start=1):
        pictures = [
            _tinted(grey, plane, levels[k], colours[k], inside)
            for plane, grey in zip(planes, greys, strict=True)
        ]
        _draw_slices(figure, sheet, column, pictures, f"{len(colours[k])} classes")
        axes = figure.add_axes(sheet.box(len(planes), column))
        _draw_bars(axes, sheet, classes[k], colours[k], first=int(inside is not None))
        if shown is not None:
            axes = figure.add_axes(sheet.box(len(planes) + 1, column))
            _draw_latents(axes, shown, shown.density(classes[k], colours[k]))
    if shown is not None:
        axes = figure.add_axes(sheet.box(len(planes) + 1, 0))
        _draw_latents(axes, shown, shown.density(np.zeros_like(classes[order[0]]), _GREY))
    _name_rows(figure, sheet, shown)
    figure.savefig(path, dpi=150, metadata={"Software": "gyrovox"} if path.suffix == ".png" else {})


def _plane_of(
    latent: Float[np.ndarray, "z y x dim"] | None,
    inside: Bool[np.ndarray, "z y x"] | None,
    *,
    curvature: float,
) -> LatentPlane | None:
    """The codes inside a mask as points of a picture; None where they are not two-dimensional."""
    if latent is None or latent.shape[-1] != 2:
        return None
    return latent_plane(_within(latent, inside), curvature=curvature)


def _within(
    array: Shaped[np.ndarray, "z y x *rest"], inside: Bool[np.ndarray, "z y x"] | None
) -> Shaped[np.ndarray, "_ _ _ *rest"]:
    """What an array holds inside a mask, as a volume of one column; all of it without a mask."""
    return array if inside is None else array[inside][:, np.newaxis, np.newaxis]


def _classes(
    labels: Labels, inside: Bool[np.ndarray, "z y x"] | None
) -> Integer[np.ndarray, "_ _ _"]:
    """The 0-based classes inside a mask, as a volume of one column."""
    return labels if inside is None else _within(labels, inside) - labels.dtype.type(1)


def _tinted(
    grey: Float[np.ndarray, "rows columns"],
    plane: Plane,
    labels: Labels,
    colours: Float[np.ndarray, "classes 3"],
    inside: Bool[np.ndarray, "z y x"] | None,
) -> Float[np.ndarray, "rows columns 3"]:
    """A slice in the colours of its classes; outside a mask the image itself, darkened."""
    if inside is None:
        return tinted(grey, plane.of(labels), colours)
    picture = tinted(grey, plane.of(labels), np.concatenate([np.zeros((1, 3)), colours]))
    outside = ~plane.of(inside)
    picture[outside] = _OUTSIDE * grey[outside][:, np.newaxis]
    return picture


def _colours(
    volume: Volume, levels: Mapping[int, Labels], inside: Bool[np.ndarray, "z y x"] | None
) -> dict[int, Float[np.ndarray, "_ 3"]]:
    """Colours of the classes, from at most 48 slices: a large volume is not read again."""
    depth, height, width = volume.spatial_shape
    chosen = np.unique(np.linspace(0, depth - 1, 48).round().astype(int))
    brightness = np.stack([
        volume.read(Region((z, 0, 0), (z + 1, height, width)))[0, 0].astype(np.float32)
        for z in chosen.tolist()
    ])
    within = None if inside is None else inside[chosen]
    colours = class_colours(
        {k: _classes(labels[chosen], within) for k, labels in levels.items()},
        _within(np.nan_to_num(brightness), within),
    )
    # A class that the chosen slices miss still needs a colour.
    for k, labels in levels.items():
        last = int(labels.max(initial=0)) - (inside is not None)
        missing = last + 1 - len(colours[k])
        if missing > 0:
            colours[k] = np.concatenate([colours[k], np.full((missing, 3), 0.5)])
    return colours


def _title(figure: "Figure", sheet: _Sheet, volume: Volume, caption: str) -> None:
    width, height = sheet.size
    left = _LEFT / width
    figure.text(
        left, 1 - 0.2 / height, volume.name, va="top", fontsize=13, weight="bold", color=_INK
    )
    voxels = " × ".join(str(side) for side in volume.spatial_shape)
    size = (
        f"voxels of {_voxel_size(volume.voxel_size_nm)}"
        if volume.voxel_size_nm
        else "voxel size unknown"
    )
    channels = f"{volume.channels} channels, " if volume.channels > 1 else ""
    facts = f"{channels}{voxels} (z, y, x), {size}"
    figure.text(
        left,
        1 - 0.45 / height,
        f"{facts}   {caption}".strip(),
        va="top",
        fontsize=8.5,
        color=_FAINT,
    )


def _voxel_size(size_nm: tuple[float, float, float]) -> str:
    if max(size_nm) <= min(size_nm) * 1.001:
        return physical(size_nm[2])
    return " × ".join(physical(side) for side in size_nm)


def _name_rows(figure: "Figure", sheet: _Sheet, latents: LatentPlane | None) -> None:
    names = [plane.name for plane in sheet.planes]
    names.append("share of voxels")
    if latents is not None:
        names.append("Poincaré disk" if latents.is_disk else "latent plane")
    for row, name in enumerate(names):
        _, bottom, _, height = sheet.box(row, 0)
        is_slice = row < len(sheet.planes)
        figure.text(
            0.13 / sheet.size[0],
            bottom + (height / 2 if is_slice else height),
            name,
            rotation=0 if is_slice else 90,
            va="center" if is_slice else "top",
            fontsize=8.5,
            color=_FAINT,
        )


def _draw_slices(
    figure: "Figure",
    sheet: _Sheet,
    column: int,
    pictures: list[Float[np.ndarray, "_ _ 3"]],
    name: str,
) -> None:
    for row, (plane, picture) in enumerate(zip(sheet.planes, pictures, strict=True)):
        axes = figure.add_axes(sheet.box(row, column, plane.extent[1] * sheet.scale))
        axes.imshow(picture, aspect="auto", interpolation="nearest")
        axes.set_axis_off()
    top = 1 - (_TOP - 0.07) / sheet.size[1]
    figure.text(sheet.box(0, column)[0], top, name, fontsize=9.5, color=_INK)


def _draw_scale_bar(figure: "Figure", sheet: _Sheet, *, known: bool) -> None:
    """The scale bar on the largest slice; it holds for all of them."""
    from matplotlib.patheffects import withStroke

    areas = [plane.extent[0] * plane.extent[1] for plane in sheet.planes]
    row = areas.index(max(areas))
    width = sheet.planes[row].extent[1]
    axes = figure.add_axes(sheet.box(row, 0, width * sheet.scale))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    length, name = scale_bar(width, known=known)
    margin = 0.12 / sheet.rows[row]  # as far from the edge in inches, however tall the slice
    right, share = 0.95, length / width
    outline = [withStroke(linewidth=3.2, foreground="black", alpha=0.75)]
    axes.plot(
        [right - share, right],
        [margin, margin],
        color="white",
        linewidth=2.2,
        solid_capstyle="butt",
        path_effects=outline,
    )
    axes.text(
        right,
        margin + 0.05 / (sheet.rows[row]),
        name,
        ha="right",
        va="bottom",
        color="white",
        fontsize=8,
        path_effects=outline,
    )


def _draw_bars(
    axes: "Axes",
    sheet: _Sheet,
    labels: Labels,
    colours: Float[np.ndarray, "classes 3"],
    *,
    first: int,
) -> None:
    """The share of the voxels that each class takes, as bars with labels from `first` on."""
    shares = np.bincount(labels.reshape(-1), minlength=len(colours)) / labels.size
    chosen = np.arange(len(shares))
    if len(shares) > sheet.bars:  # the largest ones, and a line for the rest
        chosen = np.sort(np.argsort(-shares, kind="stable")[: sheet.bars - 1])
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(sheet.bars, 0)
    start, room = 0.15, 0.65
    for line, label in enumerate(chosen.tolist()):
        middle, length = line + 0.5, room * float(shares[label])
        # A swatch of its own, because the bar of a small class is too thin to show its colour.
        axes.barh(middle, 0.04, left=0.085, height=0.6, color=colours[label])
        axes.barh(middle, length, left=start, height=0.6, color=colours[label])
        axes.text(0.07, middle, str(first + label), ha="right", va="center", fontsize=8, color=_INK)
        axes.text(
            start + length + 0.015,
            middle,
            _percent(float(shares[label])),
            va="center",
            fontsize=8,
            color=_FAINT,
        )
    if len(chosen) < len(shares):
        rest = 1 - float(shares[chosen].sum())
        axes.text(
            start,
            sheet.bars - 0.5,
            f"{len(shares) - len(chosen)} more, {_percent(rest)}",
            va="center",
            fontsize=8,
            color=_FAINT,
        )


def _percent(share: float) -> str:
    percent = 100 * share
    if percent == 0:
        return "none"
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def _draw_latents(axes: "Axes", plane: LatentPlane, picture: Float[np.ndarray, "b b 4"]) -> None:
    from matplotlib.patches import Circle, Rectangle

    axes.set_axis_off()
    axes.set_xlim(-1.03, 1.03)
    axes.set_ylim(-1.03, 1.03)
    image = axes.imshow(picture, extent=(-1, 1, -1, 1), origin="lower", interpolation="nearest")
    if not plane.is_disk:
        axes.add_patch(Rectangle((-1, -1), 2, 2, facecolor="none", edgecolor=_FAINT, linewidth=0.7))
    else:
        boundary = Circle((0, 0), 1, facecolor="none", edgecolor=_INK, linewidth=0.9)
        axes.add_patch(boundary)
        image.set_clip_path(boundary)
        # Circles of hyperbolic radius 1, 2, 3 (at curvature -1) give the eye the space's scale.
        for radius in (1, 2, 3):
            axes.add_patch(
                Circle(
                    (0, 0),
                    float(np.tanh(radius / 2)),
                    facecolor="none",
                    edgecolor=_FAINT,
                    linewidth=0.4,
                    alpha=0.6,
                )
            )
