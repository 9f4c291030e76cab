"""The Poincaré disk of a page as SVG: nodes of the tree, its edges as geodesics, and classes."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float64

from gyrovox.clustering.trunk import Trunk
from gyrovox.report.geodesics import geodesic_arc
from gyrovox.report.page.markup import Markup, joined, tag
from gyrovox.report.page.subject import ClassRow, Subject, cut_nodes

_SCALE = 1000.0  # units of the radius of the disk: whole numbers are fine enough
_MARGIN = 60.0
_SHOWN, _MOST_SHOWN = 32, 128
_MOST_LEAVES = 1200
_NUMBERED = 16  # classes of a level that are told by their label

Points = Float64[np.ndarray, "nodes 2"]


def shown_nodes(trunk: Trunk, levels: Sequence[int]) -> tuple[int, ...]:
    """The upper part of a tree: the nodes of a cut that is as fine as the levels, and all above.

    Args:
        trunk: The tree.
        levels: Numbers of classes of the levels.

    Returns:
        Nodes, counted from 0, ascending: children before their parents.
    """
    finest = min(trunk.n_leaves, max(_SHOWN, min(max(levels, default=0), _MOST_SHOWN)))
    shown = set(cut_nodes(trunk, finest))
    for node in sorted(shown):
        parent = int(trunk.parents[node])
        while parent not in shown:
            shown.add(parent)
            parent = int(trunk.parents[parent])
    return tuple(sorted(shown))


def disk_store(subject: Subject, trunk: Trunk, points: Points) -> Markup:
    """What every picture of the disk has in common, to be shown by `disk_figure`.

    Args:
        subject: What the page speaks of.
        trunk: Its tree.
        points: Where the nodes lie in the unit disk, shape ``(nodes, 2)``.

    Returns:
        An SVG element without a size; its group has the id ``disk``.
    """
    shown = shown_nodes(trunk, list(subject.levels))
    return tag(
        "svg",
        tag(
            "defs",
            tag(
                "g",
                _boundary(is_disk=trunk.curvature < 0),
                tag("g", _leaves(trunk, points, subject), attributes={"class": "leaves"}),
                tag("path", d=_edges(trunk, points, shown), attributes={"class": "edges"}),
                tag("g", _joints(points, shown, subject), attributes={"class": "joints"}),
                id="disk",
            ),
        ),
        attributes={"class": "store"},
        width=0,
        height=0,
        aria_hidden="true",
    )


def disk_figure(
    subject: Subject, points: Points, levels: Sequence[int], *, identity: str = ""
) -> Markup:
    """The disk with the classes of levels emphasised.

    Args:
        subject: What the page speaks of.
        points: Where the nodes lie.
        levels: The levels whose classes it holds; only the first is seen at first.
        identity: Id of the figure, by which the script finds it; none for a still one.

    Returns:
        An SVG element.
    """
    side = 2 * (_SCALE + _MARGIN)
    start = -(_SCALE + _MARGIN)
    groups = [
        tag(
            "g",
            _classes(subject.levels[k], points),
            attributes={"class": "classes" if k == levels[0] else "classes away"},
            data_level=k,
        )
        for k in levels
    ]
    named = "the tree" if not levels else f"the {levels[0]} classes"
    return tag(
        "svg",
        tag("title", f"Where {named} lie among the learned codes"),
        tag("use", href="#disk"),
        *groups,
        tag("circle", r=34, attributes={"class": "found away"}) if identity else "",
        attributes={"class": "disk", "viewBox": f"{start:g} {start:g} {side:g} {side:g}"},
        id=identity or None,
        role="img",
    )


def place(point: Sequence[float]) -> tuple[int, int]:
    """A point of the unit disk, y up, in the units of the picture, y down."""
    return round(point[0] * _SCALE), round(-point[1] * _SCALE)


def _boundary(*, is_disk: bool) -> Markup:
    if not is_disk:
        side = 2 * _SCALE
        return tag(
            "rect", x=-_SCALE, y=-_SCALE, width=side, height=side, attributes={"class": "rim"}
        )
    rings = [
        # Circles of hyperbolic radius 1, 2, 3 (at curvature -1) give the eye the space's scale.
        tag("circle", r=round(float(np.tanh(radius / 2)) * _SCALE), attributes={"class": "ring"})
        for radius in (1, 2, 3)
    ]
    return joined([tag("circle", r=round(_SCALE), attributes={"class": "rim"}), *rings])


def _leaves(trunk: Trunk, points: Points, subject: Subject) -> Iterator[Markup]:
    """The largest leaves as dots: those of one colour are one path of points."""
    count = min(trunk.n_leaves, _MOST_LEAVES)
    largest = np.argsort(-trunk.sizes[: trunk.n_leaves], kind="stable")[:count]
    by_colour: dict[str, list[str]] = {}
    for leaf in largest.tolist():
        x, y = place(points[leaf].tolist())
        by_colour.setdefault(subject.node_colours[leaf], []).append(f"M{x} {y}h0")
    for colour, dots in sorted(by_colour.items()):
        yield tag("path", d="".join(dots), stroke=colour)


def _edges(trunk: Trunk, points: Points, shown: Sequence[int]) -> str:
    """The edges of the upper part of the tree."""
    parts = []
    for node in shown[:-1]:
        start, end = points[node].tolist(), points[trunk.parents[node]].tolist()
        (x0, y0), (x1, y1) = place(start), place(end)
        if trunk.curvature == 0:
            parts.append(f"M{x0} {y0}L{x1} {y1}")
            continue
        arc = geodesic_arc((start[0], start[1]), (end[0], end[1]))
        if arc.centre is None:
            parts.append(f"M{x0} {y0}L{x1} {y1}")
        else:
            # y points down in a picture, so what runs against the clock runs with it there.
            turn = int(arc.sweep < 0)
            radius = round(arc.radius * _SCALE)
            parts.append(f"M{x0} {y0}A{radius} {radius} 0 0 {turn} {x1} {y1}")
    return "".join(parts)


def _joints(points: Points, shown: Sequence[int], subject: Subject) -> Iterator[Markup]:
    for node in shown:
        x, y = place(points[node].tolist())
        yield tag("circle", cx=x, cy=y, r=11, fill=subject.node_colours[node])


def _classes(rows: Sequence[ClassRow], points: Points) -> Iterator[Markup]:
    """The classes of a level, the larger the more voxels they have, the largest below."""
    for row in sorted(rows, key=lambda row: -row.voxels):
        if row.node is None:
            continue
        x, y = place(points[row.node].tolist())
        radius = round(34 + 46 * row.share**0.5)
        yield tag("circle", cx=x, cy=y, r=radius, fill=row.colour)
        if len(rows) <= _NUMBERED:
            yield tag("text", str(row.label), x=x, y=y, attributes={"class": _ink(row.colour)})


def _ink(colour: str) -> str:
    """Whether text on a colour is to be dark or light."""
    red, green, blue = bytes.fromhex(colour[1:])
    return "dark" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "light"
