"""The leaves of a binary tree in a line, where every node is a stretch and ancestry is arithmetic.

Only the line makes scores of all nodes affordable: a sum over the voxels below a node is the
difference of two entries of a running sum.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import TreeError


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class LeafOrder:
    """Places of the leaves in a depth-first walk through a binary tree."""

    places: NDArray[np.int64]
    """Place of each leaf in the line, shape (leaves,)."""

    starts: NDArray[np.int64]
    """First place of each node's leaves, shape (nodes,)."""

    stops: NDArray[np.int64]
    """One more than the last place of each node's leaves, shape (nodes,)."""

    joints: NDArray[np.int64]
    """Smallest node that holds both the leaf at a place and the next, shape (leaves − 1,)."""

    def common_ancestors(
        self, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Smallest nodes that hold two leaves each.

        Args:
            first: Places of leaves, any shape.
            second: Places of leaves, each behind the one in `first`, the same shape.

        Returns:
            Nodes of the same shape.

        Source:
            Bender & Farach-Colton (2000), as a range maximum with a table of powers of two.
            https://doi.org/10.1007/10719839_9
        """
        # Ancestors have larger numbers, so of all joints in between the largest is meant.
        spans = second - first
        found = np.zeros_like(spans)
        table, width = self.joints, 1
        while width <= spans.max(initial=0):
            here = (width <= spans) & (spans < 2 * width)
            found[here] = np.maximum(table[first[here]], table[second[here] - width])
            table, width = np.maximum(table[:-width], table[width:]), 2 * width
        return found


def leaf_order(parents: NDArray[Any]) -> LeafOrder:
    """Put the leaves of a binary tree into a line.

    Args:
        parents: Parent of every node, shape ``(nodes,)``: leaves first, children before parents,
            the root last and its own parent.

    Returns:
        The places of all leaves and nodes.

    Raises:
        TreeError: If the parents are not those of such a tree.
    """
    nodes = len(parents)
    leaves = (nodes + 1) // 2
    _check(parents, leaves)
    # Stable, so that of two children the one with the lower number comes first.
    pairs = np.argsort(parents[:-1], kind="stable").reshape(-1, 2)
    below = [1] * nodes
    for node, (left, right) in enumerate(pairs.tolist(), leaves):
        below[node] = below[left] + below[right]
    starts = [0] * nodes
    for node, (left, right) in zip(
        range(nodes - 1, leaves - 1, -1), reversed(pairs.tolist()), strict=True
    ):
        starts[left] = starts[node]
        starts[right] = starts[node] + below[left]
    first = np.array(starts, np.int64)
    joints = np.zeros(leaves - 1, np.int64)
    joints[first[pairs[:, 1]] - 1] = np.arange(leaves, nodes)
    return LeafOrder(
        places=first[:leaves], starts=first, stops=first + np.array(below), joints=joints
    )


def _check(parents: NDArray[Any], leaves: int) -> None:
    """Refuse what is no such tree.

    Raises:
        TreeError: If it is none.
    """
    nodes = len(parents)
    numbers = np.arange(nodes)
    if (
        parents.ndim != 1
        or nodes != 2 * leaves - 1
        or parents[-1] != nodes - 1
        or (parents[:-1] <= numbers[:-1]).any()
        or (parents >= nodes).any()
        or (np.bincount(parents[:-1], minlength=nodes) != 2 * (numbers >= leaves)).any()
    ):
        raise TreeError(
            "parents must be those of a binary tree, leaves first, children before parents and "
            f"the root last, and these {nodes} are not. Take them from a SegmentationTree."
        )
