"""A colour for every node of a tree, whatever cut a person chooses.

The two largest branches begin a family of one hue each, blue and orange, and every node below
keeps the hue of its parent. The largest child keeps its parent's very colour; the other one gets
the shade of the family that is told apart best from all that it may be seen beside.
"""

from functools import cache
from typing import final

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from gyrovox.clustering.cuts import children_of, depths, merge_order
from gyrovox.clustering.trunk import Trunk
from gyrovox.hues import FAMILIES, shade

from .colour_difference import least_differences, lightness

_TONES = np.linspace(0.08, 0.92, 41)
_STRENGTHS = np.array([1.0, 0.75, 0.5])  # of a hue, beside the grey of its lightness
_FIRST = 20  # of the shades of a family: the middle tone at full strength
_APART = 10.0  # lightness L* that siblings differ by at least
_SHALLOW = 10  # classes of the largest cut by hand whose colours are all told apart
_EARLY = 24  # classes of the largest level whose colours are
_KIN = 8  # nearest branches that any node is told apart from
_LUMA = (0.2126, 0.7152, 0.0722)  # share of each primary in the lightness


def node_colours(trunk: Trunk, *, families: int = 2) -> UInt8[np.ndarray, "nodes 3"]:
    """A colour for every node.

    Merges are undone from the coarsest on, and each gives a shade of the family to its smaller
    child: at another lightness than its sibling's, the one that is told apart best, by whatever
    eyes, from the colours of the nodes it may be seen beside. What counts of a pair is ΔE √n, with
    n the classes of the smallest cut that shows both: so far apart can n colours in a plane be.

    Args:
        trunk: The tree.
        families: How many classes of the coarsest cut begin a family of a hue, at least 1.

    Returns:
        sRGB from 0 to 255, shape ``(nodes, 3)``.
    """
    palette, differences, light = _palette()
    vividness = np.sqrt(_STRENGTHS).repeat(len(_TONES))  # a hue that is seen is worth more
    children = children_of(trunk.parents)
    neighbours = _Neighbours(trunk.parents)
    family = np.zeros(len(trunk.parents), np.intp)
    tone = np.full(len(trunk.parents), _FIRST, np.intp)
    for rank, merge in enumerate(merge_order(trunk.altitudes)[::-1].tolist(), start=2):
        # Of equally large children the first keeps the colour.
        larger, smaller = sorted(children[merge].tolist(), key=lambda node: -trunk.sizes[node])
        family[larger], tone[larger] = family[merge], tone[merge]
        family[smaller] = (rank - 1) % len(FAMILIES) if rank <= families else family[merge]
        beside, classes = neighbours.of(smaller, rank)
        gaps = differences[family[smaller], :, family[beside], tone[beside]]
        # A little more, so that where no shade is left, that of the rarest neighbour is taken.
        least = ((gaps + 0.1) * np.sqrt(classes)[:, np.newaxis]).min(axis=0)
        is_other = np.abs(light[family[smaller]] - light[family[larger], tone[larger]]) > _APART
        tone[smaller] = int(np.argmax(least * vividness * is_other))
        neighbours.add(smaller, rank)
    return palette[family, tone]


def hexadecimal(colour: UInt8[np.ndarray, "3"]) -> str:
    """A colour as ``"#rrggbb"``.

    Args:
        colour: sRGB from 0 to 255, shape ``(3,)``.

    Returns:
        The text.
    """
    return f"#{bytes(colour.tolist()).hex()}"


@cache
def _palette() -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """Shades (families, shades, 3), how well each is told apart from each, and their lightness."""
    shades = np.array([
        [
            strength * (colour := shade(family, tone)) + (1 - strength) * colour @ _LUMA
            for strength in _STRENGTHS.tolist()
            for tone in _TONES.tolist()
        ]
        for family in range(len(FAMILIES))
    ])
    palette = np.rint(255 * shades).astype(np.uint8)
    shape = palette.shape[:2]
    colours = palette.reshape(-1, 3) / 255
    gaps = least_differences(colours).reshape(*shape, *shape)
    return palette, gaps, lightness(colours).reshape(shape)


@final
class _Neighbours:
    """Which coloured nodes a node may be seen beside, and in a cut of how few classes.

    Only nodes that brought a colour are kept. What is below them along the largest children has
    the same one, so that it is seen in every cut that does not show them whole.
    """

    def __init__(self, parents: NDArray[np.int32]) -> None:
        self._parents = parents.tolist()
        self._children = children_of(parents)
        self._depths = depths(parents)
        root = len(parents) - 1
        self._nodes = [root]
        self._lines = [self._line(root)]

    def add(self, node: int, rank: int) -> None:
        """Keep a node that got a colour, if many may be seen beside it."""
        if rank <= _EARLY or self._depths[node] < _SHALLOW:
            self._nodes.append(node)
            self._lines.append(self._line(node))

    def of(self, node: int, rank: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Nodes beside a node that the merge of a rank brings, and the classes of each cut."""
        kin, classes = self._kin(node)
        if rank > _EARLY and self._depths[node] >= _SHALLOW:
            return kin, classes
        others = np.array(self._nodes)
        on_line = np.full(len(self._parents), -1)
        line = np.unique(self._line(node))
        on_line[line] = self._depths[line]
        met = on_line[np.array(self._lines)].max(axis=1)  # depth of the lowest node above both
        # Of a node above this one, the largest part that is not is seen beside it.
        below = np.maximum(self._depths[others] - met, 1)
        seen = np.minimum(self._depths[node] + below, rank)
        return np.append(kin, others), np.append(classes, seen).astype(np.float64)

    def _kin(self, node: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The siblings of a node and of those above it, with the least cuts of a branch."""
        kin: list[int] = []
        while node != self._parents[node] and len(kin) < _KIN:
            above = self._parents[node]
            first, second = self._children[above].tolist()
            kin.append(second if first == node else first)
            node = above
        return np.array(kin, np.intp), np.arange(2.0, 2 + len(kin))

    def _line(self, node: int) -> list[int]:
        """A node and those above it, up to the root, as many as any line that is looked at has."""
        line = [node]
        while len(line) < _EARLY + 1:
            line.append(self._parents[line[-1]])
        return line
