"""The figure of one set of data: a point for every volume, so that the spread is seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.quality.comparison.data import Data
from benchmarks.quality.comparison.method import Method
from benchmarks.quality.comparison.records import Record
from benchmarks.quality.comparison.scores import Scores, scores_of

_OURS, _LABELLED, _LABEL_FREE, _COSTLESS = "#d1495b", "#8d6a9f", "#2e86ab", "#7a7a7a"
_KINDS = {
    "ours": _OURS,
    "shown labels": _LABELLED,
    "learns without labels": _LABEL_FREE,
    "learns nothing": _COSTLESS,
}


def figure(
    data: Data, methods: Mapping[str, type[Method]], records: Sequence[Record], path: Path
) -> None:
    """Draw Dice at every level, seconds and memory, a row for each method, the best on top."""
    rows = scores_of(data, records)
    with matplotlib.rc_context({"font.size": 8, "axes.spines.top": False}):
        levels = len(data.levels)
        drawn, axes = plt.subplots(
            1,
            levels + 2,
            figsize=(3.2 + 2.0 * (levels + 2), 1.3 + 0.21 * len(rows)),
            sharey=True,
            layout="constrained",
            squeeze=False,
        )
        for level, title in enumerate(data.level_titles):
            _dice(axes[0, level], rows, level, methods)
            axes[0, level].set_title(title)
        _seconds(axes[0, levels], rows, methods)
        _memory(axes[0, levels + 1], rows, methods)
        axes[0, 0].set_yticks(range(len(rows)), [_title(one, methods) for one in rows])
        axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
        for one in axes[0, 1:]:
            one.tick_params(left=False)
        for label, one in zip(axes[0, 0].get_yticklabels(), rows, strict=True):
            label.set_color(_colour(methods[one.method]))
        marks = [
            plt.Line2D([], [], marker="o", linestyle="", color=colour, label=kind)
            for kind, colour in _KINDS.items()
        ]
        drawn.legend(handles=marks, loc="outside lower center", ncols=4, frameon=False)
        drawn.savefig(path, dpi=130)
        plt.close(drawn)


def _dice(
    axes: Axes, rows: Sequence[Scores], level: int, methods: Mapping[str, type[Method]]
) -> None:
    chance = np.random.default_rng(0)
    for place, one in enumerate(rows):
        points = one.per_volume[:, level]
        heights = place + chance.uniform(-0.25, 0.25, len(points))
        colour = _colour(methods[one.method])
        axes.scatter(points, heights, s=7, color=colour, alpha=0.45, linewidths=0)
        axes.plot([points.mean()] * 2, [place - 0.4, place + 0.4], color=colour, linewidth=2)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("Dice")
    axes.grid(axis="x", alpha=0.3)


def _seconds(axes: Axes, rows: Sequence[Scores], methods: Mapping[str, type[Method]]) -> None:
    for place, one in enumerate(rows):
        colour = _colour(methods[one.method])
        axes.scatter(max(one.segment_s, 1e-2), place, marker="|", s=60, color=colour)
        if methods[one.method].learns:
            axes.scatter(max(one.fit_s, 1e-2), place, marker="x", s=16, color=colour)
    axes.set_xscale("log")
    axes.set_title("seconds")
    axes.set_xlabel("| a volume, x training")
    axes.grid(axis="x", alpha=0.3)


def _memory(axes: Axes, rows: Sequence[Scores], methods: Mapping[str, type[Method]]) -> None:
    peaks = [one.peak_mib for one in rows]
    axes.barh(
        range(len(rows)), peaks, height=0.6, color=[_colour(methods[one.method]) for one in rows]
    )
    axes.set_title("peak memory")
    axes.set_xlabel("MiB")
    axes.grid(axis="x", alpha=0.3)


def _title(one: Scores, methods: Mapping[str, type[Method]]) -> str:
    title = methods[one.method].title
    return f"{title} (GPU)" if one.device == "cuda" else title


def _colour(kind: type[Method]) -> str:
    if kind.name.startswith("gyrovox"):
        return _OURS
    if kind.labels != "none":
        return _LABELLED
    return _LABEL_FREE if kind.learns else _COSTLESS
