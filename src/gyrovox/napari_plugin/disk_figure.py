"""What the Poincaré disk of a tree shows: the nodes down to a cut, and geodesics between them."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float64, Int

from gyrovox.clustering.trunk import Trunk
from gyrovox.report.geodesics import geodesic_arc

_MOST_NODES = 1500
"""Nodes that are drawn at most: of more, no eye tells one from the other."""

_INSIDE = 1 - 1e-9


@final
@dataclass(frozen=True, eq=False)
class DiskFigure:
    """Nodes of a tree as points of the unit disk, or of the square from −1 to 1.

    Args:
        trunk: The tree.
        positions: Points of all nodes, (x, y), shape ``(nodes, 2)``.
        cut: The nodes that are the classes.
    """

    trunk: Trunk
    positions: Float64[np.ndarray, "nodes 2"]
    cut: tuple[int, ...]

    @property
    def is_disk(self) -> bool:
        """Whether the unit circle is the boundary of the hyperbolic plane; else it is a square."""
        return self.trunk.curvature < 0

    @cached_property
    def nodes(self) -> Int[np.ndarray, "drawn"]:
        """The nodes that are drawn, the largest first: all at or above the cut, if not too many."""
        shown = np.zeros(len(self.trunk.parents), np.bool_)
        level = np.array(self.cut, np.intp)
        while not shown[level].all():
            shown[level] = True
            level = np.unique(self.trunk.parents[level])
        found = np.flatnonzero(shown)
        return found[np.lexsort((-found, -self.trunk.sizes[found]))][:_MOST_NODES]

    @cached_property
    def edges(self) -> dict[int, Float64[np.ndarray, "points 2"]]:
        """The way of every drawn node, but the root, to its parent: lines of points, (x, y)."""
        return {
            node: self.way(node, int(self.trunk.parents[node]))
            for node in self.nodes.tolist()
            if node != self.trunk.parents[node]
        }

    def way(self, start: int, end: int) -> Float64[np.ndarray, "points 2"]:
        """The geodesic between two nodes.

        Args:
            start: One node.
            end: The other.

        Returns:
            Points along it, (x, y), both ends included, shape ``(points, 2)``.
        """
        ends = self.positions[[start, end]]
        if not self.is_disk:
            return ends
        # What lies on the boundary to the last digit may have been rounded to beyond it.
        ends = (
            ends
            * np.minimum(1, _INSIDE / np.maximum(np.linalg.norm(ends, axis=1), 1e-300))[:, None]
        )
        (x, y), (to_x, to_y) = ends.tolist()
        arc = geodesic_arc((x, y), (to_x, to_y))
        return arc.points(2 + int(16 * min(1.0, abs(arc.sweep))))

    def nearest(self, x: float, y: float, within: float) -> int | None:
        """The drawn node that is nearest to a point; of equally near ones, the smallest.

        Args:
            x: Where the point is.
            y: Where the point is, upwards.
            within: How far away the node may be, in radii of the disk.

        Returns:
            The node; None if none is so near.
        """
        gaps = np.hypot(*(self.positions[self.nodes] - (x, y)).T)
        last = len(gaps) - 1 - int(np.argmin(gaps[::-1]))
        return int(self.nodes[last]) if gaps[last] <= within else None
