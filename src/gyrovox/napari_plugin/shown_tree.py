"""A segmentation tree as it is looked at: which classes are shown, and in which colours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy.typing import NDArray

from gyrovox.clustering import SegmentationTree
from gyrovox.clustering.cuts import children_of, owners
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import TreeError
from gyrovox.results import (
    ClassTable,
    HandEdits,
    ResultFolder,
    class_of_leaves,
    disk_positions,
    first_cut,
    node_colours,
    read_edits,
    write_edits,
)

KEY = "gyrovox"
"""Name under which a layer's metadata hold the tree whose leaves its labels are."""

_DIMMED = 0.12
"""Opacity of what is not lit, while something is."""

_ENDS = 4
"""Nodes at each end of a path that are written out; what lies between is left out."""


@final
@dataclass(frozen=True, eq=False, kw_only=True)
class ShownTree:
    """A tree, the cut through it that is shown, and what was chosen by hand.

    Made by `of_result` and `of_tree`; every change makes another one.

    Args:
        trunk: The tree.
        colours: Colour of every node, sRGB, shape ``(nodes, 3)``.
        positions: Every node as a point of the unit disk, (x, y), shape ``(nodes, 2)``.
        edits: What was chosen by hand; its cut is the one that is shown.
        levels: Numbers of classes that were written to files.
        lit: Nodes that stand out from the others; none if empty.
        result: Where edits are kept; None for a tree that is in no file.
    """

    trunk: Trunk
    colours: UInt8[np.ndarray, "nodes 3"]
    positions: Float64[np.ndarray, "nodes 2"]
    edits: HandEdits
    levels: tuple[int, ...] = ()
    lit: tuple[int, ...] = ()
    result: ResultFolder | None = None

    @classmethod
    def of_result(cls, result: ResultFolder) -> "ShownTree":
        """The tree of a result: its cut that was chosen by hand, or its finest level.

        Args:
            result: The result.

        Returns:
            The tree.

        Raises:
            EditError: If the edits that are kept beside it are damaged.
        """
        trunk, edits = result.trunk, read_edits(result)
        if edits.cut is None and result.levels:
            edits = replace(edits, cut=first_cut(trunk, max(result.levels)))
        return cls._of(trunk, edits, levels=tuple(result.levels), result=result)

    @classmethod
    def of_tree(cls, tree: SegmentationTree, classes: int) -> "ShownTree":
        """A tree that is in no file.

        Args:
            tree: The tree; its leaves are not kept.
            classes: How many classes to show, at least 1; more than there are leaves do no harm.

        Returns:
            The tree.
        """
        trunk = Trunk(
            number=np.arange(tree.n_leaves, dtype=np.int32),
            parents=tree.parents,
            altitudes=tree.altitudes,
            sizes=tree.sizes,
            codes=tree.codes,
            spreads=tree.spreads,
            contrasts=tree.contrasts,
            curvature=tree.curvature,
            voxel_size_nm=tree.voxel_size_nm,
            masked=tree.is_masked,
        )
        return cls._of(trunk, HandEdits(cut=first_cut(trunk, classes)))

    @classmethod
    def _of(
        cls,
        trunk: Trunk,
        edits: HandEdits,
        *,
        levels: tuple[int, ...] = (),
        result: ResultFolder | None = None,
    ) -> "ShownTree":
        if edits.cut is None:
            edits = replace(edits, cut=first_cut(trunk))
        return cls(
            trunk=trunk,
            colours=node_colours(trunk),
            positions=disk_positions(trunk),
            edits=edits,
            levels=levels,
            result=result,
        )

    @property
    def cut(self) -> tuple[int, ...]:
        """The nodes that are the classes, but for those made by hand; ascending."""
        return self.edits.cut or ()

    @property
    def marks(self) -> tuple[int, ...]:
        """Numbers of classes worth a look: those that the tree suggests, and those in files."""
        return tuple(sorted({*self.trunk.suggested_levels(), *self.levels}))

    @cached_property
    def classes(self) -> ClassTable:
        """The classes that are shown, the largest first."""
        return class_of_leaves(self.trunk, self.edits, self.colours)

    def at_level(self, classes: int) -> "ShownTree":
        """This tree cut into a number of classes, whatever was expanded or joined before.

        Args:
            classes: How many, at least 1; more than there are leaves do no harm.

        Returns:
            The tree with that cut; nothing is lit.
        """
        return self._with_cut(first_cut(self.trunk, classes))

    def expanded(self, index: int) -> "ShownTree":
        """This tree with the two children of a class in its place.

        Args:
            index: Which of `classes`.

        Returns:
            The tree with one class more; both children are lit.

        Raises:
            TreeError: If the class was made by hand, or is a leaf.
        """
        node = self._node_of_cut(index, "split")
        if node < self.trunk.n_leaves:
            raise TreeError(
                f"a class must have parts to be split, and {self.name(node)!r} is a leaf of the "
                f"tree."
            )
        children = children_of(self.trunk.parents)[node].tolist()
        return self._with_cut({*self.cut, *children} - {node}).with_lit(children)

    def joined(self, index: int) -> "ShownTree":
        """This tree with the parent of a class in the place of all classes below that.

        Args:
            index: Which of `classes`.

        Returns:
            The tree with fewer classes; their parent is lit.

        Raises:
            TreeError: If the class was made by hand, or is the whole volume.
        """
        node = self._node_of_cut(index, "joined")
        parent = int(self.trunk.parents[node])
        if parent == node:
            raise TreeError("a class must have a sibling to be joined with, and this is the root.")
        inside = owners(self.trunk.parents, np.array([parent]))[list(self.cut)] == parent
        below = {one for one, lies in zip(self.cut, inside.tolist(), strict=True) if lies}
        return self._with_cut({*self.cut, parent} - below).with_lit([parent])

    def _with_cut(self, cut: Iterable[int]) -> "ShownTree":
        return replace(self, edits=replace(self.edits, cut=tuple(sorted(cut))), lit=())

    def with_lit(self, nodes: Sequence[int]) -> "ShownTree":
        """This tree with some nodes standing out; none of them if empty."""
        return replace(self, lit=tuple(nodes))

    def renamed(self, index: int, name: str) -> "ShownTree":
        """This tree with another name for a class, which is saved where its edits are kept.

        Of what is shown only the name is saved: a look at another level is no choice of it.

        Args:
            index: Which of `classes`.
            name: Its name; empty to take it away.

        Returns:
            The tree with that name.

        Raises:
            EditError: If the name is too long, or does not stay on its line.
            EditConflictError: If somebody else has saved edits of this result meanwhile.
            FileAccessError: If this user may not write there.
        """
        edits = self._with_name(index, name.strip())
        edits.check(self.trunk)
        if self.result is not None:
            kept = read_edits(self.result)
            saved = write_edits(self.result, replace(edits, cut=kept.cut), self.edits.revision)
            edits = replace(edits, revision=saved.revision)
        return replace(self, edits=edits)

    def reread(self) -> "ShownTree":
        """This tree, at the same cut, with what was chosen by hand as it is kept now."""
        if self.result is None:
            return self
        return replace(self, edits=replace(read_edits(self.result), cut=self.cut))

    def name(self, node: int) -> str:
        """What a node is called: by the person who named it, else by its number in files."""
        return self.edits.names.get(node) or f"node {node + 1}"

    def path(self, node: int) -> tuple[int, ...]:
        """The nodes from the root down to a node, both included."""
        path = [node]
        while (parent := int(self.trunk.parents[path[-1]])) != path[-1]:
            path.append(parent)
        return tuple(reversed(path))

    def path_text(self, node: int) -> str:
        """The path to a node: names, else numbers; the middle of a long one is left out."""
        return _joined([self._short_name(one) for one in self.path(node)])

    @cached_property
    def leaf_paths(self) -> list[str]:
        """`path_text` of every leaf."""
        root = len(self.trunk.parents) - 1
        # Of each path only the ends are kept: deep trees have thousands of long ones.
        begin: dict[int, tuple[str, ...]] = {root: (self._short_name(root),)}
        end = dict(begin)
        lengths = [1] * (root + 1)
        for node in range(root - 1, -1, -1):
            parent = int(self.trunk.parents[node])
            own = (self._short_name(node),)
            lengths[node] = lengths[parent] + 1
            begin[node] = begin[parent] if len(begin[parent]) == _ENDS else begin[parent] + own
            end[node] = (end[parent] + own)[-_ENDS:]
        return [
            _joined([*begin[leaf], *end[leaf][max(0, 2 * _ENDS - lengths[leaf]) :]], lengths[leaf])
            for leaf in range(self.trunk.n_leaves)
        ]

    def _short_name(self, node: int) -> str:
        return self.edits.names.get(node) or str(node + 1)

    @cached_property
    def colour_table(self) -> Float32[np.ndarray, "labels 4"]:
        """Colour and opacity of every label, sRGB, shape ``(leaves + 1, 4)``; 0 is see-through."""
        shades = np.array([_rgb(colour) for colour in self.classes.colours], np.float32)
        table = np.zeros((self.trunk.n_leaves + 1, 4), np.float32)
        table[1:, :3] = shades[self.classes.of_leaf]
        table[1:, 3] = np.where(self._is_lit, 1.0, _DIMMED) if self.lit else 1.0
        return table

    @cached_property
    def node_colours(self) -> UInt8[np.ndarray, "nodes 3"]:
        """Colour of every node, with those that were chosen by hand, sRGB, shape ``(nodes, 3)``."""
        colours = self.colours.copy()
        for nodes, colour in zip(self.classes.nodes, self.classes.colours, strict=True):
            colours[list(nodes)] = np.round(255 * np.array(_rgb(colour)))
        return colours

    @property
    def _is_lit(self) -> NDArray[np.bool_]:
        """Whether a leaf lies below a node that stands out, shape (leaves,)."""
        return np.isin(
            owners(self.trunk.parents, np.array(self.lit, np.intp))[: self.trunk.n_leaves], self.lit
        )

    def _leaf_of(self, index: int) -> int:
        """The first leaf of a class."""
        return int(np.argmax(self.classes.of_leaf == index))

    def _group_of(self, index: int) -> int | None:
        """Which of the groups made by hand a class is; None if it is a node of the cut."""
        leaf = self._leaf_of(index)
        above = set(self.path(leaf))
        holding = [i for i, group in enumerate(self.edits.groups) if above & set(group.nodes)]
        return holding[-1] if holding else None  # later ones win

    def _node_of_cut(self, index: int, what: str) -> int:
        """The node of the cut that a class is.

        Raises:
            TreeError: If it was made by hand, across the tree.
        """
        if self._group_of(index) is not None:
            raise TreeError(
                f"a class must be a node of the tree to be {what}, and "
                f"{self.classes.names[index]!r} was made by hand."
            )
        return (set(self.path(self._leaf_of(index))) & set(self.cut)).pop()

    def _with_name(self, index: int, name: str) -> HandEdits:
        """The edits with another name for a class."""
        group = self._group_of(index)
        if group is not None:
            groups = list(self.edits.groups)
            groups[group] = replace(groups[group], name=name)
            return replace(self.edits, groups=tuple(groups))
        node = self._node_of_cut(index, "renamed")
        names = {known: text for known, text in self.edits.names.items() if known != node}
        return replace(self.edits, names={**names, **({node: name} if name else {})})


def _joined(names: Sequence[str], length: int | None = None) -> str:
    """Names of a path as text; of one that is longer than what is given, the middle is missing."""
    if (length or len(names)) <= 2 * _ENDS:
        return " › ".join(names)
    return " › ".join([*names[:_ENDS], "…", *names[-_ENDS:]])


def _rgb(colour: str) -> tuple[float, float, float]:
    """``"#rrggbb"`` as sRGB in 0..1."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red / 255, green / 255, blue / 255
