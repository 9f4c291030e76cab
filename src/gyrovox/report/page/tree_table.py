"""The tree of a page: rows that fold, from the root to nodes a little finer than the levels."""

from collections.abc import Sequence

import numpy as np

from gyrovox.clustering.trunk import Trunk
from gyrovox.report.page.disk_figure import Points, place
from gyrovox.report.page.markup import Content, Markup, joined, tag
from gyrovox.report.page.quantities import percent, volume_text
from gyrovox.report.page.subject import Subject

_DEEPEST = 14  # steps of indentation
_HEADINGS = ("node", "classes", "share", "voxels", "volume", "spread", "contrast", "stability")


def tree_table(subject: Subject, trunk: Trunk, points: Points, shown: Sequence[int]) -> Markup:
    """The upper part of a tree as rows that fold.

    Args:
        subject: What the page speaks of.
        trunk: Its tree.
        points: Where the nodes lie in the disk, so that the script can point at them.
        shown: Nodes, ascending, each with its parent; the root is the last.

    Returns:
        A block of nested ``details``. All are open, for whoever has no script.
    """
    stabilities = trunk.table()["stability"]
    deepest = _deepest_class(subject, trunk, shown)
    rows: dict[int, Markup] = {}
    children: dict[int, list[int]] = {}
    for node in shown:
        if node != shown[-1]:
            children.setdefault(int(trunk.parents[node]), []).append(node)
        below = sorted(children.get(node, []), key=lambda child: -int(trunk.sizes[child]))
        cells = _cells(subject, trunk, node, float(stabilities[node]))
        # Children come before their parents, so theirs are there.
        rows[node] = _row(
            subject,
            node,
            cells,
            joined(rows.pop(child) for child in below),
            where=place(points[node].tolist()),
            is_deep=node not in deepest,
        )
    head = tag("div", *(tag("span", one) for one in _HEADINGS), attributes={"class": "row head"})
    return tag("div", head, rows[shown[-1]], attributes={"class": "tree"}, id="tree")


def _row(
    subject: Subject,
    node: int,
    cells: Sequence[Content],
    below: Markup,
    *,
    where: tuple[int, int],
    is_deep: bool,
) -> Markup:
    levels = " ".join(str(k) for k, _ in subject.classes_of_nodes.get(node, ()))
    about = {
        "class": f"row{' class' if levels else ''}",
        "data-levels": levels or None,
        "data-x": where[0],
        "data-y": where[1],
    }
    deep = " deep" if is_deep else ""
    if not below:
        return tag("div", *cells, attributes={**about, "class": f"{about['class']}{deep}"})
    return tag(
        "details",
        tag("summary", *cells, attributes=about),
        tag("div", below, attributes={"class": "below"}),
        open=True,
        attributes={"class": f"node{deep}"},
    )


def _cells(subject: Subject, trunk: Trunk, node: int, stability: float) -> list[Content]:
    size = int(trunk.sizes[node])
    share = size / int(trunk.sizes[-1])
    badges = [
        tag("span", f"{label} of {k}", attributes={"class": "badge"}, data_level=k)
        for k, label in subject.classes_of_nodes.get(node, ())
    ]
    nm3 = subject.voxel_nm3
    is_root = node == len(trunk.parents) - 1
    name = subject.node_names.get(node, "all voxels" if is_root else "")
    return [
        tag(
            "span",
            swatch(subject.node_colours[node]),
            tag("b", str(node + 1)),
            f" {name}" if name else "",
            attributes={"class": f"name i{min(_depth(trunk, node), _DEEPEST)}"},
        ),
        tag("span", badges, attributes={"class": "badges"}),
        tag("span", bar(share, subject.node_colours[node]), percent(share)),
        tag("span", f"{size:,}"),
        tag("span", "–" if nm3 is None else volume_text(size * nm3)),
        tag("span", f"{float(trunk.spreads[node]):.2f}"),
        tag("span", "" if is_root else f"{float(trunk.contrasts[node]):.2f}"),
        tag("span", "" if is_root else f"{stability:.2f}"),
    ]


def swatch(colour: str) -> Markup:
    """A small square in a colour."""
    return tag(
        "svg",
        tag("rect", width=10, height=10, rx=2, fill=colour),
        attributes={"class": "swatch", "viewBox": "0 0 10 10"},
        aria_hidden="true",
    )


def bar(share: float, colour: str) -> Markup:
    """A share of 0 to 1 as a bar."""
    return tag(
        "svg",
        tag("rect", width=100, height=10, attributes={"class": "rail"}),
        tag("rect", width=float(np.clip(100 * share, 0.8, 100)), height=10, fill=colour),
        attributes={"class": "bar", "viewBox": "0 0 100 10", "preserveAspectRatio": "none"},
        aria_hidden="true",
    )


def _depth(trunk: Trunk, node: int) -> int:
    depth, root = 0, len(trunk.parents) - 1
    while node != root:
        node = int(trunk.parents[node])
        depth += 1
    return depth


def _deepest_class(subject: Subject, trunk: Trunk, shown: Sequence[int]) -> set[int]:
    """The nodes that are classes of a level, or lie above one."""
    kept = set()
    for node in shown:
        if node in subject.classes_of_nodes:
            above = node
            while above not in kept:
                kept.add(above)
                above = int(trunk.parents[above])
    return kept | {shown[-1]}
