"""From what a person chose by hand to the class of every leaf."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from gyrovox.clustering.cuts import classes_of, horizontal_cut, owners
from gyrovox.clustering.trunk import Trunk

from .hand_edits import HandEdits
from .node_colours import hexadecimal, node_colours

CLASSES = 8
"""Classes of the cut that is shown before anybody has chosen one; fewer where leaves are fewer."""


@final
@dataclass(frozen=True, eq=False)
class ClassTable:
    """The classes that a person chose, the largest first.

    Attributes:
        of_leaf: Class of every leaf, from 0, shape ``(leaves,)``.
        names: Name of every class; ``"node 17"`` (as files count it) where nobody gave one.
        colours: Colour of every class, ``"#rrggbb"``.
        nodes: Of every class the fewest nodes that hold its leaves and no others, ascending.
        sizes: Voxels of every class.
    """

    of_leaf: NDArray[np.intp] = field(repr=False)
    names: tuple[str, ...]
    colours: tuple[str, ...]
    nodes: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)


def first_cut(trunk: Trunk, classes: int = CLASSES) -> tuple[int, ...]:
    """The nodes of the cut that is shown before anybody has chosen one.

    Args:
        trunk: The tree.
        classes: How many classes, at least 1; more than there are leaves do no harm.

    Returns:
        The nodes that are left when the last merges are undone, ascending.
    """
    within = min(classes, trunk.n_leaves)
    return tuple(horizontal_cut(trunk.parents, trunk.altitudes, within).tolist())


def class_of_leaves(
    trunk: Trunk, edits: HandEdits, palette: UInt8[np.ndarray, "nodes 3"] | None = None
) -> ClassTable:
    """The class of every leaf: the last group that holds it, else the node of the cut above it.

    Args:
        trunk: The tree.
        edits: What was chosen; without a cut, that of `first_cut` counts.
        palette: What `node_colours` gives, for who has it; shape ``(nodes, 3)``.

    Returns:
        The classes that have leaves: the largest first, of equally large ones the one whose first
        node comes first. Those of a cut alone are in the order of `Trunk.labels`.

    Raises:
        EditError: If the edits do not fit the tree.
    """
    edits.check(trunk)
    cut = first_cut(trunk) if edits.cut is None else edits.cut
    owner = classes_of(trunk.parents, np.array(cut, np.intp))[: trunk.n_leaves]
    for index, group in enumerate(edits.groups, start=len(cut)):
        owner[below(trunk, group.nodes)] = index
    present, of_leaf = np.unique(owner, return_inverse=True)
    sizes = np.bincount(of_leaf, weights=trunk.sizes[: trunk.n_leaves]).astype(np.int64)
    nodes = _fewest_nodes(trunk, of_leaf, len(present))
    order = np.lexsort((np.array([each[0] for each in nodes]), -sizes))
    place = np.argsort(order)
    shades = node_colours(trunk) if palette is None else palette
    names, colours = [], []
    for index in order.tolist():
        largest = max(nodes[index], key=lambda node: (trunk.sizes[node], -node))
        name, colour = f"node {largest + 1}", hexadecimal(shades[largest])
        if (chosen := int(present[index])) >= len(cut):
            group = edits.groups[chosen - len(cut)]
            names.append(group.name or name)
            colours.append(group.colour or colour)
        else:
            node = cut[chosen]
            names.append(edits.names.get(node) or f"node {node + 1}")
            colours.append(edits.colours.get(node) or hexadecimal(shades[node]))
    return ClassTable(
        of_leaf=place[of_leaf],
        names=tuple(names),
        colours=tuple(colours),
        nodes=tuple(nodes[index] for index in order.tolist()),
        sizes=tuple(sizes[order].tolist()),
    )


def below(trunk: Trunk, nodes: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether a leaf lies at or below one of some nodes.

    Args:
        trunk: The tree.
        nodes: Nodes of it.

    Returns:
        Shape ``(leaves,)``.
    """
    is_one = np.zeros(len(trunk.parents), np.bool_)
    is_one[list(nodes)] = True
    return np.asarray(is_one[owners(trunk.parents, np.array(nodes, np.intp))][: trunk.n_leaves])


def _fewest_nodes(trunk: Trunk, of_leaf: NDArray[np.intp], count: int) -> list[tuple[int, ...]]:
    """For every class, the nodes all of whose leaves are of it, below none that is so too."""
    of_node = np.append(of_leaf, np.full(trunk.n_leaves - 1, -2, np.intp))
    # Children come before their parents, so a node's own entry is done when it is looked at.
    for node, parent in enumerate(trunk.parents[:-1].tolist()):
        seen = of_node[parent]
        of_node[parent] = of_node[node] if seen in {-2, of_node[node]} else -1
    is_top = of_node >= 0
    is_top[:-1] &= of_node[trunk.parents[:-1]] < 0
    nodes: list[list[int]] = [[] for _ in range(count)]
    for node in np.flatnonzero(is_top).tolist():
        nodes[of_node[node]].append(node)
    return [tuple(each) for each in nodes]
