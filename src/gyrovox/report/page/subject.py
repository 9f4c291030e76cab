"""What a page speaks of: a run, its tree, and the classes of its levels, without their voxels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from gyrovox.clustering.cuts import by_size, horizontal_cut
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import SettingsError
from gyrovox.settings import Configuration, from_plain_values


@final
@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class of one level.

    Args:
        label: Its value in the file of the level.
        node: The node of the tree that it is; None without a tree.
        name: What it was called by hand, if it was.
        colour: ``#rrggbb``.
        voxels: How many it has, as the file says.
        share: The part of all voxels with a class that they are.
    """

    label: int
    node: int | None
    name: str
    colour: str
    voxels: int
    share: float


@final
@dataclass(frozen=True, kw_only=True)
class Subject:
    """A finished run.

    Args:
        name: What the volume is called.
        place: The folder of the result, as a user would name it.
        shape: Voxels along (z, y, x).
        voxel_size_nm: Length of a voxel along (z, y, x), in nm; None where it is unknown.
        record: What ``run.json`` says.
        trunk: The tree; None for the levels of k-means.
        levels: Classes by number of classes, coarse to fine.
        node_colours: ``#rrggbb`` of every node of the tree.
        node_names: Nodes that were named by hand.
        masked: Whether label 0 means that a voxel is outside the mask.
        scores: What ``evaluation.json`` says; empty where there is none.
        not_finite: Values of the image that are NaN or infinite.
        steps: Every so many voxels along (z, y, x) are shown.
    """

    name: str
    place: str
    shape: tuple[int, int, int]
    voxel_size_nm: tuple[float, float, float] | None
    record: Mapping[str, Any]
    trunk: Trunk | None
    levels: Mapping[int, tuple[ClassRow, ...]]
    node_colours: tuple[str, ...] = ()
    node_names: Mapping[int, str]
    masked: bool
    scores: Mapping[str, Any]
    not_finite: int = 0
    steps: tuple[int, int, int] = (1, 1, 1)

    @cached_property
    def configuration(self) -> Configuration | None:
        """All settings of the run; None where the record has none that this gyrovox knows."""
        try:
            return from_plain_values(self.record.get("settings"))
        except SettingsError:
            return None

    @property
    def inputs(self) -> tuple[Mapping[str, Any], ...]:
        """What the record says of every volume that went in."""
        found = self.record.get("inputs")
        return (
            tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()
        )

    @property
    def voxel_nm3(self) -> float | None:
        """Volume of a voxel in nm³; None where it is unknown."""
        if self.voxel_size_nm is None:
            return None
        z, y, x = self.voxel_size_nm
        return z * y * x

    @cached_property
    def classes_of_nodes(self) -> Mapping[int, tuple[tuple[int, int], ...]]:
        """The classes (number of classes, label) that a node of the tree is."""
        found: dict[int, list[tuple[int, int]]] = {}
        for k, rows in self.levels.items():
            for row in rows:
                if row.node is not None:
                    found.setdefault(row.node, []).append((k, row.label))
        return {node: tuple(classes) for node, classes in found.items()}


def cut_nodes(trunk: Trunk, classes: int) -> tuple[int, ...]:
    """The nodes that are the classes of a level, in the order of its labels.

    Args:
        trunk: The tree.
        classes: How many classes.

    Returns:
        Nodes, counted from 0.
    """
    nodes = horizontal_cut(trunk.parents, trunk.altitudes, classes)
    return tuple(by_size(nodes, trunk.sizes).tolist())
