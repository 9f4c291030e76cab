"""One tree of segments per volume, of which every level of detail is a cut.

Every voxel belongs to one leaf, and every leaf has one path to the root, so the classes of a
coarser cut are unions of those of a finer one, whatever the cuts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gyrovox.errors import ClusterCountError, SettingsError, TreeError

from .cuts import (
    best_cut,
    by_size,
    children_of,
    classes_of,
    depths,
    horizontal_cut,
    owners,
    persistent_counts,
)
from .node_table import node_table, radii, stabilities
from .tree_checks import (
    check_altitudes,
    check_parents,
    check_shapes,
    check_sizes,
    check_space,
    check_voxel_size,
)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationTree:
    """A binary tree whose leaves are the finest regions of a volume.

    Nodes are numbered: leaves first, children before their parents, the root last.

    Args:
        leaves: Leaf of every voxel, from 0 on, shape ``(z, y, x)``; −1 outside the mask that was
            worked in.
        parents: Parent of every node, shape ``(nodes,)``; the root is its own.
        altitudes: Coarseness ("scale") at which a node forms, shape ``(nodes,)``: 0 for leaves,
            never decreasing towards the root.
        sizes: Voxels of every node, shape ``(nodes,)``.
        codes: Mean code of every node's voxels, a tangent vector at the origin, shape
            ``(nodes, dim)``.
        spreads: Root mean square distance of the codes of a node's voxels to their mean, shape
            ``(nodes,)``, in the unit of length of the space.
        contrasts: Distance of the mean codes of a node and its sibling, shape ``(nodes,)``; 0 for
            the root.
        curvature: Sectional curvature κ ≤ 0 of the codes' space; 0 where it is flat.
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.

    Raises:
        TreeError: If the arrays are not those of one such tree.
    """

    leaves: NDArray[np.int32] = field(repr=False)
    parents: NDArray[np.int32] = field(repr=False)
    altitudes: NDArray[np.float64] = field(repr=False)
    sizes: NDArray[np.int64] = field(repr=False)
    codes: NDArray[np.float32] = field(repr=False)
    spreads: NDArray[np.float32] = field(repr=False)
    contrasts: NDArray[np.float32] = field(repr=False)
    curvature: float
    voxel_size_nm: tuple[float, float, float] | None

    def __post_init__(self) -> None:
        check_shapes(
            self.leaves,
            self.parents,
            self.codes,
            altitudes=self.altitudes,
            sizes=self.sizes,
            spreads=self.spreads,
            contrasts=self.contrasts,
        )
        check_parents(self.parents)
        check_altitudes(self.parents, self.altitudes)
        check_sizes(self.leaves, self.parents, self.sizes)
        check_space(self.codes, self.spreads, self.contrasts, self.curvature)
        check_voxel_size(self.voxel_size_nm)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, 2 `n_leaves` − 1."""
        return len(self.parents)

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return (len(self.parents) + 1) // 2

    @property
    def root(self) -> int:
        """The node that holds every voxel."""
        return len(self.parents) - 1

    @cached_property
    def is_masked(self) -> bool:
        """Whether some voxels belong to no leaf."""
        return int(self.sizes[self.root]) < self.leaves.size

    @cached_property
    def depths(self) -> NDArray[np.int32]:
        """Number of merges above every node, 0 for the root, shape ``(nodes,)``."""
        return depths(self.parents)

    @cached_property
    def radii(self) -> NDArray[np.float64]:
        """Distance of every mean code from the origin, shape ``(nodes,)``.

        2‖u‖ at any curvature, as in `gyrovox.geometry`: the metric at the origin is 4 I.
        """
        return radii(self.codes)

    @cached_property
    def stabilities(self) -> NDArray[np.float64]:
        """Over how much of the log-scale every node lasts, shape ``(nodes,)``.

        log(altitude of its parent / own altitude) ≥ 0. Altitudes below the least positive one of
        the tree count as that, so leaves last from there on; the root, which nothing ends, has 0.
        """
        return stabilities(self.parents, self.altitudes)

    @cached_property
    def _children(self) -> NDArray[np.intp]:
        return children_of(self.parents)

    def children(self, node: int) -> tuple[int, int] | None:
        """The two nodes that merge into a node, ascending; None for a leaf.

        Raises:
            TreeError: If there is no such node.
        """
        self._check_node(node)
        if node < self.n_leaves:
            return None
        first, second = self._children[node].tolist()
        return first, second

    def mask(self, node: int) -> NDArray[np.bool_]:
        """Where the voxels of a node are, shape ``(z, y, x)``.

        Raises:
            TreeError: If there is no such node.
        """
        self._check_node(node)
        inside = owners(self.parents, np.array([node])) == node
        # Index −1, outside the mask, finds the entry that is appended.
        return np.append(inside[: self.n_leaves], False)[self.leaves]

    def cut(self, classes: int) -> "Cut":
        """The classes that are left when the last merges are undone.

        Merges are undone in descending order of (altitude, node), so cuts are nested.

        Args:
            classes: How many classes, from 1 to the number of leaves.

        Returns:
            The cut.

        Raises:
            SettingsError: If that is less than 1.
            ClusterCountError: If there are fewer leaves.
        """
        self._check_classes(classes)
        return self._cut(horizontal_cut(self.parents, self.altitudes, classes))

    def cut_at(self, scale: float) -> "Cut":
        """The classes at a scale: all merges at higher altitudes are undone.

        Args:
            scale: An altitude ≥ 0.

        Returns:
            The cut.

        Raises:
            SettingsError: If the scale is negative, or no number.
        """
        if not scale >= 0:
            raise SettingsError(
                f"the scale of a cut must be 0 or more, and it is {scale}. The root of this tree "
                f"forms at {self.altitudes[-1]:g}."
            )
        return self.cut(1 + int((self.altitudes > scale).sum()))

    def optimal_cut(self, budget: int) -> "Cut":
        """The cut with the least sum of squares within its classes, each branch as deep as it pays.

        The sum is that of size times spread², over all cuts of the tree, horizontal or not.

        Args:
            budget: Largest number of classes, at least 1; more than the leaves do no harm.

        Returns:
            The cut; of equally good ones, one with the fewest classes.

        Raises:
            SettingsError: If the budget is less than 1.
        """
        within = min(budget, self.n_leaves)
        self._check_classes(within)
        costs = self.sizes.astype(np.float64) * np.square(self.spreads.astype(np.float64))
        return self._cut(best_cut(self.parents, costs, within))

    def cut_through(self, nodes: Iterable[int]) -> "Cut":
        """The cut with given nodes as its classes.

        Args:
            nodes: One node at or above every leaf, in any order.

        Returns:
            The cut.

        Raises:
            TreeError: If a node is not there, or a leaf has none or several of them above it.
        """
        return self._cut(np.array(sorted(set(nodes)), np.intp))

    def suggested_levels(self, most: int = 5, *, largest: int = 64) -> tuple[int, ...]:
        """Numbers of classes worth looking at, where nobody knows how many there are.

        Those whose cuts stay as they are over the longest intervals of log-scale.

        Args:
            most: How many numbers at most, at least 1.
            largest: Largest number of classes that is looked at, at least 2: among thousands of
                regions the scale has long gaps that mean nothing.

        Returns:
            Numbers of classes, ascending; where no cut lasts, only that of the finest cut above
            altitude 0.

        Raises:
            SettingsError: If `most` or `largest` is too small.
        """
        if most < 1 or largest < 2:
            raise SettingsError(
                f"levels must be at least 1, of at least 2 classes, and most={most}, "
                f"largest={largest} came."
            )
        found = persistent_counts(self.altitudes, most=most, largest=largest)
        return found or (1 + int((self.altitudes > 0).sum()),)

    def table(self) -> dict[str, NDArray[Any]]:
        """What there is to say about every node, one column each, shape ``(nodes,)``.

        Returns:
            ``node``; ``parent``, −1 for the root; ``size`` in voxels; ``volume_nm3``, NaN where
            the voxel size is unknown; ``depth``; ``altitude``; ``radius``, ``spread`` and
            ``contrast`` in the unit of length of the space; ``stability``.
        """
        return node_table(
            self.parents,
            self.altitudes,
            self.sizes,
            self.codes,
            spreads=self.spreads,
            contrasts=self.contrasts,
            voxel_size_nm=self.voxel_size_nm,
        )

    def _cut(self, nodes: NDArray[np.intp]) -> "Cut":
        """The cut through nodes, the largest first."""
        known = nodes[(nodes >= 0) & (nodes < self.n_nodes)]
        if len(known) < len(nodes):
            self._check_node(int(np.setdiff1d(nodes, known)[0]))
        return Cut(tree=self, nodes=tuple(by_size(nodes, self.sizes).tolist()))

    def _check_node(self, node: int) -> None:
        if not 0 <= node < self.n_nodes:
            raise TreeError(
                f"a node must be one of 0 to {self.root}, of which 0 to {self.n_leaves - 1} are "
                f"leaves, and {node} came."
            )

    def _check_classes(self, classes: int) -> None:
        if classes < 1:
            raise SettingsError(f"a cut must have at least 1 class, and {classes} were asked for.")
        if classes > self.n_leaves:
            raise ClusterCountError(
                f"a cut must have at most as many classes as its tree has leaves, and {classes} "
                f"were asked for of {self.n_leaves} leaves. Ask for fewer."
            )


@final
@dataclass(frozen=True, kw_only=True)
class Cut:
    """Some nodes of a tree as the classes of its voxels: every leaf is in exactly one.

    Made by the methods of `SegmentationTree`.

    Args:
        tree: The tree.
        nodes: One node per class: by size, the largest first, then by number.

    Raises:
        TreeError: If a leaf has none, or several, of the nodes above it.
    """

    tree: SegmentationTree = field(repr=False)
    nodes: tuple[int, ...]

    def __post_init__(self) -> None:
        chosen = np.array(self.nodes, np.intp)
        sizes = int(self.tree.sizes[chosen].sum())
        # Nodes that reach every leaf and together are no larger than the volume do not overlap.
        if sizes != self.tree.sizes[-1] or (self._class_of_node[: self.tree.n_leaves] < 0).any():
            raise TreeError(
                f"the nodes of a cut must hold every leaf exactly once, and these {len(chosen)} "
                f"nodes hold {sizes} voxels of {int(self.tree.sizes[-1])}, some of them twice or "
                f"not at all."
            )

    @property
    def first_label(self) -> int:
        """Label of the first class: 0, or 1 where 0 means that a voxel is outside the mask."""
        return int(self.tree.is_masked)

    @cached_property
    def labels(self) -> NDArray[np.unsignedinteger[Any]]:
        """Class of every voxel, shape ``(z, y, x)``, in the smallest unsigned type that holds it.

        Class i is ``nodes[i]``. Without a mask its label is i; with one it is i + 1, and 0 is
        outside.
        """
        last = len(self.nodes) - 1 + self.first_label
        of_leaf = self._class_of_node[: self.tree.n_leaves] + self.first_label
        # Index −1, outside the mask, finds the entry that is appended.
        return np.append(of_leaf, 0).astype(np.min_scalar_type(last))[self.tree.leaves]

    def expand(self, node: int) -> "Cut":
        """This cut with the two children of one of its nodes in its place.

        Raises:
            TreeError: If the node is none of this cut, or a leaf.
        """
        self._check_has(node)
        children = self.tree.children(node)
        if children is None:
            raise TreeError(f"a node must have children to be expanded, and node {node} is a leaf.")
        return self.tree.cut_through({*self.nodes, *children} - {node})

    def collapse(self, node: int) -> "Cut":
        """This cut with one node in the place of all of its nodes below that.

        Raises:
            TreeError: If no node of this cut lies below it.
        """
        self.tree._check_node(node)
        nodes = np.array(self.nodes)
        above = owners(self.tree.parents, np.array([node]))[nodes] == node
        below = set(nodes[above].tolist()) - {node}
        if not below:
            raise TreeError(
                f"a node must have nodes of the cut below it to be collapsed into, and node "
                f"{node} has none."
            )
        return self.tree.cut_through({*self.nodes, node} - below)

    def is_refinement_of(self, other: "Cut") -> bool:
        """Whether each class lies in one class of another cut of the same tree.

        Raises:
            TreeError: If the other cut is of another tree.
        """
        if other.tree is not self.tree:
            raise TreeError("cuts must be of one tree to be compared, and these are of two.")
        return bool((other._class_of_node[list(self.nodes)] >= 0).all())

    @cached_property
    def _class_of_node(self) -> NDArray[np.intp]:
        """Class that a node lies in, shape ``(nodes,)``; −1 above the cut."""
        return classes_of(self.tree.parents, np.array(self.nodes, np.intp))

    def _check_has(self, node: int) -> None:
        if node not in self.nodes:
            raise TreeError(
                f"a node must be one of the {len(self.nodes)} nodes of the cut to be expanded, "
                f"and node {node} is not."
            )
