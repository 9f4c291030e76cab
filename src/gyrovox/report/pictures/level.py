"""A level of a result: the nodes that are its classes, in their order and colours."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Integer

from gyrovox.clustering.cuts import by_size, classes_of, horizontal_cut
from gyrovox.errors import SettingsError
from gyrovox.results import node_colours

if TYPE_CHECKING:
    from gyrovox.clustering.trunk import Trunk
    from gyrovox.results import ResultFolder

_FEW = 12  # classes that can be told apart in one picture


@final
@dataclass(frozen=True, eq=False)
class Level:
    """The classes of a cut, the largest first, as label files number them.

    Args:
        nodes: Node of every class.
        colours: Colour of every class, sRGB in 0..1, shape ``(classes, 3)``.
        of_leaf: Class of every leaf, from 0, shape ``(leaves,)``.
        first_label: What the first class is called in files: 0, or 1 with a mask.
    """

    nodes: tuple[int, ...]
    colours: Float[np.ndarray, "classes 3"]
    of_leaf: Integer[np.ndarray, "leaves"]
    first_label: int

    def label(self, index: int) -> int:
        """What a class is called in label files."""
        return index + self.first_label


def level(trunk: "Trunk", classes: int) -> Level:
    """The level of a number of classes.

    Args:
        trunk: The tree.
        classes: How many classes.

    Returns:
        The level.

    Raises:
        SettingsError: If the tree has no so many leaves, or there are none.
    """
    if not 1 <= classes <= trunk.n_leaves:
        raise SettingsError(
            f"--level must be from 1 to {trunk.n_leaves}, the leaves of this tree, got {classes}."
        )
    nodes = by_size(horizontal_cut(trunk.parents, trunk.altitudes, classes), trunk.sizes)
    return Level(
        nodes=tuple(nodes.tolist()),
        colours=node_colours(trunk)[nodes].astype(np.float64) / 255,
        of_leaf=classes_of(trunk.parents, nodes)[: trunk.n_leaves],
        first_label=int(trunk.masked),
    )


def shown_level(result: "ResultFolder", classes: int | None = None) -> Level:
    """The level that pictures of one level show.

    Args:
        result: The result.
        classes: How many classes, if that was said; by default those of the finest level file of
            at most 12, or of the coarsest one, or 8.

    Returns:
        The level.

    Raises:
        SettingsError: If the tree has no so many leaves.
    """
    if classes is None:
        few = [k for k in result.levels if k <= _FEW] or list(result.levels)[:1]
        classes = min(max(few, default=8), result.trunk.n_leaves)
    return level(result.trunk, classes)
