"""One picture of the spikes that were found: slices of the virions, and maps of their shells."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64
from scipy.spatial import cKDTree

from gyrovox.particles.spikes.directions import even_directions
from gyrovox.particles.spikes.discovery import FoundSpikes, SpikeDiscovery
from gyrovox.particles.spikes.shell import Shell, flattened, smoothed
from gyrovox.particles.spikes.virions import Virion

from .scale_bar import scale_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _FAINT, _SPIKE, _MEMBRANE = "#22252a", "#8a9099", "#e0592a", "#2a8cc4"
_MOST = 6  # virions
_SIDE, _WIDE, _GAP, _TOP = 2.6, 4.6, 0.25, 0.75  # inches
_NAMES, _BELOW = 0.35, 0.2  # for what stands left of a map, and below it
_ROWS = 120
_NEAR_NM = 8.0  # of a slice: which spikes are marked on it
_SLICES = ((0, 1, 2, "seen along z"), (1, 0, 2, "seen along y"))


def spike_picture(discovery: SpikeDiscovery, path: Path, *, title: str) -> None:
    """Write a picture of the spikes of at most six virions.

    For each virion two slices through its middle, with its membrane and the spikes near the slice,
    and the shell of spikes unrolled: density by longitude and sine of the latitude, which keeps
    areas true, with all spikes.

    Args:
        discovery: What was found.
        path: The picture, .png, .pdf or .svg; written over.
        title: What to call it.
    """
    # Not pyplot: a library leaves the caller's figures and backend alone.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = discovery.survey.virions[:_MOST]
    width = _GAP + 2 * (_SIDE + _GAP) + _NAMES + _WIDE + _GAP
    height = _TOP + len(shown) * (_SIDE + _GAP + _BELOW) + 0.1
    figure = Figure(figsize=(width, height), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(
        _GAP / width, 1 - 0.2 / height, title, va="top", fontsize=12, weight="bold", color=_INK
    )
    maps = _maps(discovery)
    for row, virion in enumerate(shown):
        bottom = height - _TOP - row * (_SIDE + _GAP + _BELOW) - _SIDE
        for column, view in enumerate(_SLICES):
            left = _GAP + column * (_SIDE + _GAP)
            axes = figure.add_axes((left / width, bottom / height, _SIDE / width, _SIDE / height))
            _draw_slice(axes, virion, discovery.learned, row, view)
            if row == 0:
                axes.set_title(view[3], fontsize=8.5, color=_FAINT, loc="left")
        left = _GAP + 2 * (_SIDE + _GAP) + _NAMES
        axes = figure.add_axes((left / width, bottom / height, _WIDE / width, _SIDE / height))
        _draw_map(axes, maps[row], discovery.learned, row)
        axes.set_title(_caption(discovery.learned, virion, row), fontsize=8.5, color=_INK)
    figure.savefig(path, metadata={"Software": "gyrovox"} if path.suffix == ".png" else {})


def _caption(found: FoundSpikes, virion: Virion, row: int) -> str:
    counts = found.counts
    clipped = ", cut by the tomogram's border" if virion.is_clipped else ""
    return (
        f"virion {virion.row + 1}: {counts.estimates[row]:.0f} spikes "
        f"({counts.lows[row]} to {counts.highs[row]}){clipped}"
    )


def _draw_slice(
    axes: "Axes", virion: Virion, found: FoundSpikes, row: int, view: tuple[int, int, int, str]
) -> None:
    """A slice through the middle, dense is dark as in the tomogram."""
    through, down, across, _ = view
    middle = virion.places(virion.membrane.centre_nm)
    index = int(np.clip(round(middle[through]), 0, virion.density.shape[through] - 1))
    # Three slices together: one alone is mostly noise.
    near = range(max(index - 1, 0), min(index + 2, virion.density.shape[through]))
    grey = np.take(virion.density, list(near), axis=through).mean(axis=through)
    low, high = np.percentile(grey, (1, 99.5))
    axes.imshow(-grey, cmap="gray", vmin=-high, vmax=-low, interpolation="bilinear")
    angles = np.linspace(0, 2 * np.pi, 181)
    ring = np.zeros((len(angles), 3))
    ring[:, down], ring[:, across] = np.sin(angles), np.cos(angles)
    line = virion.places(virion.membrane.points_nm(ring, 0.0))
    axes.plot(line[:, across], line[:, down], color=_MEMBRANE, linewidth=0.8)
    mine = found.peaks.owners == row
    places = virion.places(found.peaks.middles_nm[mine])
    close = np.abs(places[:, through] - index) * virion.voxel_size_nm < _NEAR_NM
    axes.scatter(
        places[close, across],
        places[close, down],
        s=60,
        facecolors="none",
        edgecolors=_SPIKE,
        linewidths=1.2,
    )
    side = virion.density.shape[across]
    length, name = scale_bar(side * virion.voxel_size_nm, known=True)
    right, bar = 0.95 * side, length / virion.voxel_size_nm
    axes.plot([right - bar, right], [0.95 * side] * 2, color="black", linewidth=2)
    axes.text(right - bar / 2, 0.93 * side, name, ha="center", va="bottom", fontsize=7)
    axes.set_xlim(-0.5, side - 0.5)
    axes.set_ylim(virion.density.shape[down] - 0.5, -0.5)
    axes.set_axis_off()


def _maps(discovery: SpikeDiscovery) -> list[Float64[np.ndarray, "rows columns"]]:
    """Mean density of every shell's columns, unrolled."""
    shells = discovery.survey.candidates.shells
    volumes = tuple(shell.virion.density for shell in shells)
    unrolled = []
    for shell, columns in zip(shells, flattened(shells, volumes), strict=True):
        means = np.full(len(columns), np.nan)
        seen = np.isfinite(columns).any(axis=1)
        means[seen] = np.nanmean(columns[seen], axis=1)
        unrolled.append(_unrolled(shell, smoothed(shell, means, width_nm=2.0)))
    return unrolled


def _unrolled(
    shell: Shell, values: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, "rows columns"]:
    """Values of columns by sine of the latitude (from +z down) and longitude."""
    sines = 1 - 2 * (np.arange(_ROWS) + 0.5) / _ROWS
    longitudes = 2 * np.pi * (np.arange(2 * _ROWS) + 0.5) / (2 * _ROWS) - np.pi
    ring = np.sqrt(1 - sines**2)[:, np.newaxis]
    z = np.broadcast_to(sines[:, np.newaxis], (_ROWS, 2 * _ROWS))
    asked = np.stack([z, ring * np.sin(longitudes), ring * np.cos(longitudes)], axis=-1)
    _, nearest = cKDTree(even_directions(len(values))).query(asked.reshape(-1, 3))
    return np.asarray(values[nearest].reshape(_ROWS, 2 * _ROWS))


def _draw_map(
    axes: "Axes", values: Float64[np.ndarray, "rows columns"], found: FoundSpikes, row: int
) -> None:
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, (1, 99.5)) if len(known) else (0.0, 1.0)
    axes.imshow(
        -values, cmap="gray", vmin=-high, vmax=-low, extent=(-180, 180, -1, 1), aspect="auto"
    )
    directions = found.peaks.directions[found.peaks.owners == row]
    longitude = np.degrees(np.arctan2(directions[:, 1], directions[:, 2]))
    axes.scatter(
        longitude, directions[:, 0], s=46, facecolors="none", edgecolors=_SPIKE, linewidths=1.2
    )
    axes.set_xlim(-180, 180)
    axes.set_ylim(-1, 1)
    axes.set_xticks([-180, -90, 0, 90, 180])
    axes.set_yticks([-1, 0, 1], ["−z", "equator", "+z"])
    axes.tick_params(labelsize=7, colors=_FAINT, length=2)
