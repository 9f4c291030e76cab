"""How sure each node is: how far its voxels lie from its mean, and from its sibling's."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float64, Integer, Shaped

from gyrovox.report.pictures.level import Level
from gyrovox.report.pictures.look import FAINT, INK, MARGIN, TOP, Box, axes_in, page, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gyrovox.report.pictures.voxel_codes import VoxelCodes
    from gyrovox.results import ResultFolder

_LEFT, _WIDTH, _HEIGHT, _BELOW = 0.6, 3.4, 3.0, 0.6  # inches of a panel and around it
_BAR, _NAMES = 0.24, 0.3
_MOST_CLASSES = 24
_MOST_LOOKED_AT = 1000  # voxels of a node that the table's means are over
_BOX_POINTS = 20_000  # voxels of a class that its box is made of
_PALE = "#c9ced6"


def reliability(result: "ResultFolder", one: Level, codes: "VoxelCodes | None" = None) -> "Figure":
    """How far voxels lie from the means of their nodes, of all nodes and of a level's classes.

    On the left every node by its size and its spread, the root mean square distance of its voxels
    to its mean; those of the level are coloured. On the right the distances of the voxels of each
    class to its mean (box: middle half; line: 5 to 95 %), the mean of them (point), the mean
    scale of their posteriors (cross), and the contrast, how far the class lies from its sibling
    (bar): classes whose contrast is small beside the distances are hard to tell apart.

    Args:
        result: The result.
        one: The level; of more than 24 classes the largest are shown.
        codes: Codes of voxels; without them there are spreads and contrasts only.

    Returns:
        A page of two panels.
    """
    shown = min(len(one.nodes), _MOST_CLASSES)
    height = max(_HEIGHT, shown * _BAR)
    figure = page(
        2 * MARGIN + _LEFT + _WIDTH + _NAMES + _LEFT + _WIDTH,
        TOP + 0.3 + height + _BELOW + MARGIN,
        result.name,
        "reliability: distances in latent space"
        + (f"; codes of {codes.said}" if codes is not None else ""),
    )
    left = MARGIN + _LEFT
    write(figure, left, TOP, f"{len(result.trunk.parents)} nodes", size=9.5)
    _draw_nodes(axes_in(figure, Box(left, TOP + 0.3, _WIDTH, height), bare=False), result, one)
    left += _WIDTH + _NAMES + _LEFT
    write(figure, left, TOP, "classes: voxels to mean, and contrast to sibling", size=9.5)
    axes = axes_in(figure, Box(left, TOP + 0.3, _WIDTH, height), bare=False)
    _draw_classes(axes, result, one, shown, codes)
    return figure


def reliability_table(
    result: "ResultFolder", one: Level, codes: "VoxelCodes | None" = None
) -> Mapping[str, Shaped[np.ndarray, "nodes"]]:
    """What there is to say about how sure every node is, one column each.

    Args:
        result: The result.
        one: The level whose classes are named.
        codes: Codes of voxels; without them, what is made of them is NaN.

    Returns:
        ``node`` as files count them, from 1; ``class`` of the level, −1 for other nodes;
        ``voxels``; ``spread``, the root mean square distance of its voxels to its mean;
        ``mean_distance``, the mean of these distances over at most 1000 voxels; ``contrast``,
        the distance to its sibling, and ``separation``, contrast over spread; ``stability``;
        ``posterior_scale``, the mean scale of the posteriors of the same voxels; and
        ``looked_at``, how many those were. All of shape ``(nodes,)``.
    """
    trunk = result.trunk
    table = trunk.table()
    classes = np.full(len(trunk.parents), -1, np.int64)
    classes[list(one.nodes)] = [one.label(index) for index in range(len(one.nodes))]
    spreads = table["spread"].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        separation = np.where(spreads > 0, table["contrast"] / spreads, np.nan)
    means, scales, counts = _of_voxels(result, codes)
    return {
        "node": table["node"] + 1,
        "class": classes,
        "voxels": table["size"],
        "spread": spreads,
        "mean_distance": means,
        "contrast": table["contrast"].astype(np.float64),
        "separation": separation,
        "stability": table["stability"],
        "posterior_scale": scales,
        "looked_at": counts,
    }


def write_reliability(table: Mapping[str, Shaped[np.ndarray, "nodes"]], path: Path) -> None:
    """Write the table as CSV: a row for each node, nothing where a value is not known.

    Args:
        table: What `reliability_table` gave.
        path: A .csv; written over.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(table)
        columns = [column.tolist() for column in table.values()]
        for row in zip(*columns, strict=True):
            named = dict(zip(table, row, strict=True))
            rows.writerow([_cell(name, value) for name, value in named.items()])


def _cell(name: str, value: float | int) -> str:
    """A value as text; nothing where it is not known."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if name == "class" and value < 0 else str(value)


def _of_voxels(
    result: "ResultFolder", codes: "VoxelCodes | None"
) -> tuple[
    Float64[np.ndarray, "nodes"], Float64[np.ndarray, "nodes"], Integer[np.ndarray, "nodes"]
]:
    """Mean distances, mean posterior scales, and of how many voxels, of every node."""
    trunk = result.trunk
    nodes = len(trunk.parents)
    distances, scales = np.full(nodes, np.nan), np.full(nodes, np.nan)
    looked_at = np.zeros(nodes, np.int64)
    if codes is None:
        return distances, scales, looked_at
    starts, counts = _stretches(trunk.parents, codes.leaves)
    order = np.argsort(starts[codes.leaves], kind="stable")
    for node in range(nodes):
        count = int(counts[node])
        if not count:
            continue
        # Evenly over the node's voxels, leaf by leaf.
        chosen = np.linspace(0, count - 1, min(count, _MOST_LOOKED_AT)).astype(np.int64)
        members = order[starts[node] + chosen]
        looked_at[node] = len(members)
        distances[node] = codes.distances(members, trunk.codes[node]).mean(dtype=np.float64)
        if codes.scales is not None:
            scales[node] = codes.scales[members].mean(dtype=np.float64)
    return distances, scales, looked_at


def _stretches(
    parents: Integer[np.ndarray, "nodes"], leaves: Integer[np.ndarray, "voxels"]
) -> tuple[Integer[np.ndarray, "nodes"], Integer[np.ndarray, "nodes"]]:
    """Where the voxels of every node begin, and how many they are, in the order of the tree."""
    counts = np.bincount(leaves, minlength=len(parents))
    root = len(parents) - 1
    for node, parent in enumerate(parents[:root].tolist()):  # children come before parents
        counts[parent] += counts[node]
    starts, used = np.zeros(len(parents), np.int64), np.zeros(len(parents), np.int64)
    for node in range(root - 1, -1, -1):
        parent = int(parents[node])
        starts[node] = starts[parent] + used[parent]
        used[parent] += counts[node]
    return starts, counts


def _draw_nodes(axes: "Axes", result: "ResultFolder", one: Level) -> None:
    trunk = result.trunk
    spreads = trunk.spreads.astype(np.float64)
    axes.scatter(trunk.sizes, spreads, s=5, color=_PALE, linewidths=0, rasterized=True)
    nodes = list(one.nodes)
    axes.scatter(
        trunk.sizes[nodes],
        spreads[nodes],
        s=42,
        c=one.colours,
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
    )
    axes.set_xscale("log")
    axes.set_xlabel("voxels of the node")
    axes.set_ylabel("spread")
    axes.set_ylim(bottom=0)


def _draw_classes(
    axes: "Axes", result: "ResultFolder", one: Level, shown: int, codes: "VoxelCodes | None"
) -> None:
    trunk = result.trunk
    for index in range(shown):
        node, colour = one.nodes[index], one.colours[index]
        contrast = float(trunk.contrasts[node])
        axes.barh(index, contrast, height=0.62, color=colour, alpha=0.28, linewidth=0)
        axes.plot([contrast, contrast], [index - 0.31, index + 0.31], color=colour, linewidth=2)
        if codes is None:
            axes.plot([float(trunk.spreads[node])], [index], "o", color=INK, markersize=4)
            continue
        members = np.flatnonzero(one.of_leaf[codes.leaves] == index)
        members = members[:: max(1, len(members) // _BOX_POINTS)]
        if not len(members):
            continue
        far = codes.distances(members, trunk.codes[node])
        _draw_box(axes, index, far, colour)
        if codes.scales is not None:
            axes.plot(
                [float(codes.scales[members].mean())],
                [index],
                "x",
                color=INK,
                markersize=5,
                zorder=5,
            )
    axes.set_yticks(range(shown), [str(one.label(index)) for index in range(shown)])
    axes.set_ylim(shown - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_ylabel("class")
    known = "box, ●: voxels to mean   ×: posterior scale   bar: contrast"
    axes.set_xlabel(known if codes is not None else "●: spread   bar: contrast")
    axes.grid(axis="x", color=FAINT, alpha=0.2, linewidth=0.6)


def _draw_box(
    axes: "Axes", row: int, values: Float[np.ndarray, "_"], colour: Float[np.ndarray, "3"]
) -> None:
    """The middle half of some values, the 5 to 95 % of them, and their mean."""
    low, first, third, high = np.percentile(values, (5, 25, 75, 95)).tolist()
    axes.plot([low, high], [row, row], color=INK, linewidth=0.9, zorder=2.5)
    axes.barh(
        row,
        third - first,
        left=first,
        height=0.34,
        color=[colour],
        edgecolor=INK,
        linewidth=0.8,
        zorder=3,
    )
    axes.plot([float(values.mean())], [row], "o", color=INK, markersize=3.5, zorder=4)
