"""What every picture of the disk has: its rim, and the edges of a tree as geodesics."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Integer

from gyrovox.report.geodesics import geodesic_arc
from gyrovox.report.pictures.look import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 1.04
"""Half the side of a panel, of what is shown: the rim is not cut."""


def draw_rim(axes: "Axes", *, is_disk: bool, reach: float = 1.0) -> None:
    """The boundary of the disk, with circles of radius 1, 2 and 3; a square where space is flat.

    Args:
        axes: Where.
        is_disk: Whether space is hyperbolic. Radii are those of curvature −1.
        reach: Half the side of what is shown, in radii of the disk; below 1, its middle.
    """
    from matplotlib.patches import Circle, Rectangle

    axes.set_xlim(-ROOM * reach, ROOM * reach)
    axes.set_ylim(-ROOM * reach, ROOM * reach)
    axes.set_aspect("equal")
    if not is_disk or reach < 1:
        side = 2 * reach
        square = Rectangle((-reach, -reach), side, side, facecolor=PAPER, edgecolor=FAINT)
        axes.add_patch(square)
    if not is_disk:
        return
    if reach < 1:
        for radius in (0.25, 0.5, 1, 2):
            circle = Circle((0, 0), np.tanh(radius / 2), facecolor="none", edgecolor="white")
            axes.add_patch(circle)
            circle.set_clip_path(square)
        return
    axes.add_patch(Circle((0, 0), 1, facecolor=PAPER, edgecolor=INK, linewidth=0.9))
    for radius in (1, 2, 3):
        rim = float(np.tanh(radius / 2))
        axes.add_patch(Circle((0, 0), rim, facecolor="none", edgecolor="white", linewidth=0.8))


def draw_edges(
    axes: "Axes",
    parents: Integer[np.ndarray, "nodes"],
    positions: Float64[np.ndarray, "nodes 2"],
    nodes: Integer[np.ndarray, "shown"],
    *,
    is_disk: bool,
) -> None:
    """The edges from nodes to their parents, as geodesics.

    Args:
        axes: Where.
        parents: Parent of every node, shape ``(nodes,)``.
        positions: Where every node lies, shape ``(nodes, 2)``.
        nodes: Those whose edge upwards is drawn.
        is_disk: Whether geodesics are those of the disk, and not of the plane.
    """
    from matplotlib.collections import LineCollection

    lines = []
    for node in nodes.tolist():
        start, end = positions[node], positions[parents[node]]
        if not is_disk:
            lines.append(np.stack([start, end]))
            continue
        lines.append(geodesic_arc((start[0], start[1]), (end[0], end[1])).points())
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.7, alpha=0.75))
