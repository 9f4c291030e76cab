"""The voxels of nodes and of classes, looked up in the leaves slab by slab."""

from collections.abc import Iterable
from typing import Any, final

import numpy as np
from jaxtyping import Shaped
from numpy.typing import NDArray

from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import FileFormatError, TreeError
from gyrovox.volumes import ArraySource, Region

from .class_table import below
from .result_folder import ResultFolder


@final
class LeafTable:
    """An entry for the leaf of every voxel: an `ArraySource` over the file of the leaves.

    Args:
        leaves: Labels of leaves, from 1, 0 for none; one channel.
        entries: What to say of labels 0, 1, ..., shape ``(leaves + 1,)``.
    """

    def __init__(self, leaves: ArraySource, entries: NDArray[Any]) -> None:
        self._leaves = leaves
        self._entries = entries

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(1, z, y, x)."""
        return self._leaves.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries."""
        return self._entries.dtype

    def read(self, region: Region) -> Shaped[np.ndarray, "channels z y x"]:
        """The entries of a region's voxels.

        Raises:
            FileFormatError: If a voxel has a leaf that the tree does not have.
        """
        leaves = self._leaves.read(region)
        if leaves.size and not 0 <= int(leaves.min()) <= int(leaves.max()) < len(self._entries):
            raise FileFormatError(
                f"the leaves must be labels from 0 to {len(self._entries) - 1}, as their tree has, "
                f"and labels from {leaves.min()} to {leaves.max()} came. Keep the files of a "
                f"result as they were written together"
            )
        return np.asarray(self._entries[leaves])


def node_voxels(result: ResultFolder, nodes: Iterable[int]) -> LeafTable:
    """Where the voxels of some nodes are: 1 there, 0 elsewhere.

    Args:
        result: The result.
        nodes: At least one node, from 0.

    Returns:
        A source of uint8.

    Raises:
        TreeError: If a node is not there, or none came.
    """
    inside = below(result.trunk, checked_nodes(result.trunk, nodes))
    return LeafTable(result.leaves().source, np.append(False, inside).astype(np.uint8))


def checked_nodes(trunk: Trunk, nodes: Iterable[int]) -> tuple[int, ...]:
    """Nodes of a tree, ascending and each once.

    Args:
        trunk: The tree.
        nodes: At least one node.

    Returns:
        The nodes.

    Raises:
        TreeError: If a node is not there, or none came.
    """
    chosen = tuple(sorted(set(nodes)))
    last = len(trunk.parents) - 1
    if not chosen:
        raise TreeError("at least one node must be named, and none came. Name one")
    for node in (chosen[0], chosen[-1]):
        if not 0 <= node <= last:
            raise TreeError(f"a node must be one of 0 to {last}, and {node} came. Name another")
    return chosen
