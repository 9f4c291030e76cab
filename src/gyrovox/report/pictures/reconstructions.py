"""What the decoder makes of codes: of a grid all over the disk, and along a geodesic."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64

from gyrovox import devices
from gyrovox.errors import PictureError
from gyrovox.geometry import manifold, poincare
from gyrovox.report.pictures.disk_outline import ROOM, draw_edges, draw_rim
from gyrovox.report.pictures.level import Level
from gyrovox.report.pictures.look import (
    FAINT,
    GAP,
    INK,
    MARGIN,
    TOP,
    Box,
    axes_in,
    page,
    show,
    write,
)
from gyrovox.results import disk_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.results import ResultFolder
    from gyrovox.segmenter import HierarchicalSegmenter

_DISK, _PATCH, _NAME = 5.6, 0.62, 0.3  # inches
_GRID = 15  # patches along a diameter of the disk
_ALONG = 9  # patches along the geodesic
_RIM = 0.985  # of the disk: the code of a point on its boundary is infinite
_BATCH = 64


def reconstructions(
    result: "ResultFolder",
    one: Level,
    segmenter: "HierarchicalSegmenter",
    *,
    ends: tuple[int, int] | None = None,
) -> "Figure":
    """Middle slices of the patches that the decoder makes of codes.

    A grid of codes all over the disk, where codes have two dimensions, with the means of a level's
    classes; and nine codes at equal distances along the geodesic between the means of two nodes.
    Grey values are those of normalised voxels, one scale for all patches.

    Args:
        result: The result.
        one: The level whose classes are marked.
        segmenter: Its model.
        ends: The nodes at the ends of the geodesic; by default the two largest classes of the
            level.

    Returns:
        A page with the disk, if there is one, and the geodesic below it.

    Raises:
        PictureError: If the level has one class only, and no ends are given.
    """
    if ends is None:
        if len(one.nodes) < 2:
            raise PictureError(
                "a geodesic needs two nodes to run between, and the level has one class. Pass "
                "--level 2 or more."
            )
        ends = one.nodes[0], one.nodes[1]
    space = segmenter.configuration_.model
    codes = result.trunk.codes.astype(np.float64)
    curvature = result.trunk.curvature
    way = geodesic_codes(codes[ends[0]], codes[ends[1]], _ALONG, curvature=curvature)
    points, grid = _grid(curvature) if space.latent_dim == 2 and curvature < 0 else (None, None)
    patches = decoded_slices(segmenter, way if grid is None else np.concatenate([way, grid]))
    low, high = np.percentile(patches, (1, 99)).tolist()
    shown = np.clip((patches - low) / max(high - low, 1e-12), 0, 1)
    disk_room = 0.0 if points is None else _DISK + 2 * GAP
    width = 2 * MARGIN + _ALONG * (_PATCH + 0.06) + 0.2
    figure = page(
        width,
        TOP + disk_room + _NAME + _PATCH + 0.32 + MARGIN,
        result.name,
        f"decoded patches of {space.output_size}³ voxels, middle slices; grey from {low:.2g} to "
        f"{high:.2g} standard deviations",
    )
    if points is not None:
        axes = axes_in(figure, Box((width - _DISK) / 2, TOP, _DISK, _DISK))
        _draw_grid(axes, points, shown[_ALONG:])
        _draw_nodes(axes, result, one, ends)
    _draw_way(figure, one, ends, shown[:_ALONG], TOP + disk_room)
    return figure


def geodesic_codes(
    start: Float64[np.ndarray, "dim"],
    end: Float64[np.ndarray, "dim"],
    count: int,
    *,
    curvature: float,
) -> Float64[np.ndarray, "count dim"]:
    """Codes at equal distances along the geodesic between two codes, both included.

    Args:
        start: A code, shape ``(dim,)``.
        end: Another.
        count: How many.
        curvature: Sectional curvature κ ≤ 0 of their space.

    Returns:
        Codes, shape ``(count, dim)``.
    """
    times = np.linspace(0, 1, count)
    if curvature == 0:
        return np.asarray(start + times[:, np.newaxis] * (end - start))
    ball = manifold("poincare", curvature=curvature)
    first, last = ball.exp_origin(torch.from_numpy(start)), ball.exp_origin(torch.from_numpy(end))
    points = poincare.geodesic(first, last, torch.from_numpy(times), curvature=curvature)
    found = ball.log_origin(points).numpy()
    found[0], found[-1] = start, end  # which the ball may have rounded
    return np.asarray(found)


def decoded_slices(
    segmenter: "HierarchicalSegmenter", codes: Float[np.ndarray, "codes dim"]
) -> Float32[np.ndarray, "codes side side"]:
    """The xy slices through the middles of the patches that codes stand for, first channel.

    Args:
        segmenter: The model. Where its latents are volumes, all codes of one are the same.
        codes: Shape ``(codes, dim)``.

    Returns:
        Means of the voxels, in standard deviations of the volume, shape ``(codes, side, side)``.
    """
    vae = segmenter.vae_.to(devices.device(segmenter.device))
    side = segmenter.configuration_.model.latent_side
    found = []
    with torch.inference_mode():
        for rows in torch.split(torch.from_numpy(codes.astype(np.float32)), _BATCH):
            latents = rows.to(next(vae.parameters()).device)
            if side > 1:
                latents = latents[:, None, None, None].expand(-1, side, side, side, -1)
            patches = torch.as_tensor(vae.decode(latents).mean)
            found.append(patches[:, 0, patches.shape[2] // 2].cpu().numpy())
    return np.concatenate(found)


def _grid(
    curvature: float,
) -> tuple[Float64[np.ndarray, "points 2"], Float64[np.ndarray, "points 2"]]:
    """Points of a square grid within the disk, and their codes."""
    places = (np.arange(_GRID) + 0.5) / _GRID * 2 - 1
    points = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    lengths = np.linalg.norm(points, axis=1)
    points, lengths = points[lengths < _RIM], lengths[lengths < _RIM]
    stretch = np.arctanh(lengths) / np.maximum(lengths, 1e-12) / np.sqrt(-curvature)
    return points, points * stretch[:, np.newaxis]


def _draw_grid(
    axes: "Axes",
    points: Float64[np.ndarray, "points 2"],
    patches: Float32[np.ndarray, "points side side"],
) -> None:
    """Patches where their codes lie."""
    from matplotlib.patches import Circle

    draw_rim(axes, is_disk=True)
    half, rim = 0.9 / _GRID, Circle((0, 0), 1, transform=axes.transData)
    for (x, y), patch in zip(points.tolist(), patches, strict=True):
        image = axes.imshow(
            patch,
            extent=(x - half, x + half, y - half, y + half),
            cmap="gray",
            vmin=0,
            vmax=1,
            interpolation="nearest",
            zorder=2,
        )
        image.set_clip_path(rim)
    axes.set_xlim(-ROOM, ROOM)
    axes.set_ylim(-ROOM, ROOM)


def _draw_nodes(axes: "Axes", result: "ResultFolder", one: Level, ends: tuple[int, int]) -> None:
    """The classes of the level, and the geodesic between the ends."""
    nodes = disk_map(result.trunk).positions(result.trunk.codes)
    towards = np.arange(len(nodes))
    towards[ends[0]] = ends[1]
    draw_edges(axes, towards, nodes, np.array([ends[0]]), is_disk=True)
    x, y = nodes[list(one.nodes)].T
    axes.scatter(x, y, s=60, c=one.colours, edgecolors="white", linewidths=1.2, zorder=4)


def _draw_way(
    figure: "Figure",
    one: Level,
    ends: tuple[int, int],
    patches: Float32[np.ndarray, "codes side side"],
    top: float,
) -> None:
    """The patches along the geodesic."""
    from matplotlib.patches import Rectangle

    names = [_name(one, node) for node in ends]
    write(figure, MARGIN, top, f"along the geodesic from {names[0]} to {names[1]}", size=9.5)
    for step, patch in enumerate(patches):
        left = MARGIN + 0.1 + step * (_PATCH + 0.06)
        axes = show(figure, Box(left, top + _NAME, _PATCH, _PATCH), patch)
        edge = Rectangle((0, 0), 1, 1, transform=axes.transAxes, facecolor="none", edgecolor=FAINT)
        axes.add_patch(edge)  # a white patch has one, too
        share = step / (len(patches) - 1)
        write(
            figure,
            left + _PATCH / 2,
            top + _NAME + _PATCH + 0.06,
            f"{100 * share:.0f} %",
            size=7.5,
            colour=INK if step in {0, len(patches) - 1} else FAINT,
            align="center",
        )


def _name(one: Level, node: int) -> str:
    """A node as a person knows it: a class of the level, else its number in files."""
    if node in one.nodes:
        return f"class {one.label(one.nodes.index(node))}"
    return f"node {node + 1}"
