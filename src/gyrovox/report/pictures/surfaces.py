"""Surfaces of nodes in three dimensions, as one page that turns under the hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Integer

from gyrovox.errors import MissingExtraError, PictureError
from gyrovox.report.pictures.level import Level
from gyrovox.report.scale_bar import unit_of
from gyrovox.results import hexadecimal, node_colours
from gyrovox.results.class_table import below
from gyrovox.volumes import Volume
from gyrovox.volumes.source import slabs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

    from gyrovox.results import ResultFolder

_LONGEST = 128  # voxels along the longest axis, of those that surfaces are made of
_MOST_TRIANGLES = 200_000  # of all surfaces: about 5 MB
_MOST_CLASSES = 24
_SMOOTH = 0.7  # voxels
_MOST_AT_FACES = 0.15  # of the voxels at the faces of the volume, of a class that hides no other


def surfaces(
    result: "ResultFolder", one: Level, *, nodes: Sequence[int] | None = None
) -> "PlotlyFigure":
    """Surfaces of a level's classes, or of chosen nodes, that can be turned and hidden.

    They are made of every so many voxels, smoothed by less than one of these, and made coarser
    until all of them have at most 200,000 triangles. The largest class, and those that take much of
    the volume's faces, lie around the others: they are hidden until they are clicked in the legend.

    Args:
        result: The result.
        one: The level; of more than 24 classes the largest are shown.
        nodes: Nodes to show instead of the level's classes.

    Returns:
        A `plotly` figure.

    Raises:
        MissingExtraError: If plotly is not installed.
        PictureError: If there is nothing to show.
    """
    _check_plotly()
    from plotly.graph_objects import Figure, Mesh3d

    fine, step = every_so_many(result.leaves(), _LONGEST)
    unit, sides = _unit(result)
    for factor in count(1):
        labels = fine[::factor, ::factor, ::factor]
        masks = _masks(result, one, labels, nodes)
        meshes = [_mesh(mask, factor * step * sides) for mask in masks]
        if sum(len(mesh["i"]) for mesh in meshes if mesh) <= _MOST_TRIANGLES:
            break
    if not any(meshes):
        raise PictureError("a surface needs a class that has voxels, and there is none.")
    figure = Figure()
    for index, (mask, mesh) in enumerate(zip(masks, meshes, strict=True)):
        if mesh is None:
            continue
        hidden = nodes is None and (index == 0 or _at_faces(mask.inside) > _MOST_AT_FACES)
        shown = "legendonly" if hidden else True
        figure.add_trace(
            Mesh3d(name=mask.name, color=mask.colour, visible=shown, showlegend=True, **mesh)
        )
    figure.update_layout(**_layout(result, factor * step, unit, sides))
    return figure


def write_surfaces(figure: "PlotlyFigure", path: Path) -> None:
    """Write surfaces as one page that needs no network.

    Args:
        figure: What `surfaces` gave.
        path: An .html; written over.
    """
    text = figure.to_html(include_plotlyjs=True, full_html=True, div_id="surfaces")
    path.write_text(text, encoding="utf-8")


def every_so_many(volume: Volume, longest: int) -> tuple[Int32[np.ndarray, "z y x"], int]:
    """Every so many voxels of a label volume along each axis, read slab by slab.

    Args:
        volume: The volume; its first channel counts.
        longest: Voxels that may be left along the longest axis.

    Returns:
        The labels, shape ``(z, y, x)``, and of how many voxels one was taken.
    """
    step = -(-max(volume.spatial_shape) // longest)
    found = []
    for region in slabs(volume.source):
        first = -region.start[0] % step
        found.append(volume.read(region)[0, first::step, ::step, ::step].astype(np.int32))
    return np.concatenate(found), step


def _check_plotly() -> None:
    """Refuse to draw without plotly, before any work.

    Raises:
        MissingExtraError: If it is not installed.
    """
    if find_spec("plotly") is None:
        raise MissingExtraError(
            "plotly must be installed to draw surfaces, and is not. Install gyrovox[plot]."
        )


@final
@dataclass(frozen=True, eq=False)
class _Mask:
    """The voxels of a surface, what it is called and its colour."""

    name: str
    colour: str
    inside: Bool[np.ndarray, "z y x"]


def _masks(
    result: "ResultFolder",
    one: Level,
    labels: Integer[np.ndarray, "z y x"],
    nodes: Sequence[int] | None,
) -> list[_Mask]:
    """What is to have a surface."""
    if nodes is not None:
        colours = node_colours(result.trunk)
        # Label 0 is outside, where index −1 finds the entry that is appended.
        return [
            _Mask(
                f"node {node + 1}",
                hexadecimal(colours[node]),
                np.append(below(result.trunk, (node,)), False)[labels - 1],
            )
            for node in nodes
        ]
    classes = np.append(one.of_leaf, -1)[labels - 1]
    return [
        _Mask(
            f"class {one.label(index)}",
            hexadecimal(np.rint(255 * one.colours[index]).astype(np.uint8)),
            classes == index,
        )
        for index in range(min(len(one.nodes), _MOST_CLASSES))
    ]


def _at_faces(inside: Bool[np.ndarray, "z y x"]) -> float:
    """The share of the voxels at the faces of the volume that are inside."""
    faces = [inside[0], inside[-1], inside[:, 0], inside[:, -1], inside[..., 0], inside[..., -1]]
    return float(sum(face.sum() for face in faces) / sum(face.size for face in faces))


def _mesh(mask: _Mask, sides: Float64[np.ndarray, "3"]) -> dict[str, Any] | None:
    """A surface as plotly takes it, closed at the faces of the volume; None without a voxel."""
    # Imported here: they take a second, and only this picture needs them.
    from scipy.ndimage import gaussian_filter
    from skimage.measure import marching_cubes

    if not mask.inside.any():
        return None
    # Smoothed over twice its reach beyond the faces, so that the surface is closed there.
    padded = np.pad(mask.inside.astype(np.float32), 2)
    smooth = gaussian_filter(padded, _SMOOTH, mode="constant")
    if smooth.max() <= 0.5:  # so small a thing that smoothing has dissolved it
        smooth = padded
    vertices, faces, _, _ = marching_cubes(smooth, 0.5)  # type: ignore[no-untyped-call]
    places: Float32[np.ndarray, "points 3"] = ((vertices - 2) * sides).astype(np.float32)
    z, y, x = places.T
    i, j, k = faces.astype(np.int32).T
    lighting = {"ambient": 0.45, "diffuse": 0.7, "specular": 0.15, "roughness": 0.7}
    return {
        **{"x": x, "y": y, "z": z, "i": i, "j": j, "k": k},
        "flatshading": False,
        "lighting": lighting,
        "hoverinfo": "name",
    }


def _unit(result: "ResultFolder") -> tuple[str, Float64[np.ndarray, "3"]]:
    """The unit of the axes, and the sides (z, y, x) of a voxel in it."""
    size = result.trunk.voxel_size_nm
    if size is None:
        return "voxels", np.ones(3)
    extents = (length * side for length, side in zip(result.shape, size, strict=True))
    name, nm = unit_of(max(extents))
    return name, np.array(size) / nm


def _layout(
    result: "ResultFolder", step: int, unit: str, sides: Float64[np.ndarray, "3"]
) -> dict[str, Any]:
    every = f", every {step} voxels" if step > 1 else ""
    ends = np.array(result.shape) * sides
    axes = {
        f"{axis}axis": {
            "title": {"text": f"{axis} ({unit})"},
            "range": [0.0, float(end)],
            "backgroundcolor": "#f4f5f6",
            "gridcolor": "#dfe2e6",
        }
        for axis, end in zip("zyx", ends, strict=True)
    }
    return {
        # A name is text here: plotly reads some tags in titles.
        "title": {"text": _escaped(f"{result.name}{every}"), "x": 0.02},
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#22252a"},
        "margin": {"l": 0, "r": 0, "t": 48, "b": 0},
        "paper_bgcolor": "white",
        "scene": {**axes, "aspectmode": "data"},
        "legend": {"itemsizing": "constant", "x": 0.98, "xanchor": "right"},
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
