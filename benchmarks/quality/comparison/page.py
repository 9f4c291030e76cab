"""The page of one set of data: a table of all methods, and what has to be known to read it."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.quality.comparison.data import Data
from benchmarks.quality.comparison.method import Method
from benchmarks.quality.comparison.records import Record
from benchmarks.quality.comparison.scores import Scores, scores_of

_DEVICES = {"cpu": "CPU", "cuda": "GPU"}


def page(data: Data, methods: Mapping[str, type[Method]], records: Sequence[Record]) -> str:
    """Markdown of everything that is known of the data."""
    rows = scores_of(data, records)
    lines = [
        f"# Every method on `{data.name}`",
        "",
        f"{data.about} Written by `python -m benchmarks.quality run`; a line for every run is in "
        f"`{data.name}.jsonl`.",
        "",
        _measure(data),
        "",
        f"![Dice of every volume, seconds and memory]({data.name}.png)",
        "",
        f"| method | on | labels | {' | '.join(data.level_titles)} | sd over seeds | seeds | "
        "fit, s (steps) | a volume, s | peak, MiB | published |",
        "|---|---|---|" + "---|" * (len(data.levels) + 6),
        *(_row(data, methods[one.method], one) for one in rows),
        "",
        *_budgets(rows, records),
    ]
    told = [
        f"- **{methods[name].title}**: {methods[name].differs[data.published]}."
        for name in dict.fromkeys(row.method for row in rows)
        if data.published in methods[name].differs
    ]
    if told:
        lines += ["", "## Why numbers differ from the published ones", "", *told]
    return "\n".join(lines) + "\n"


def _measure(data: Data) -> str:
    what = "the innermost class" if data.one_class else "classes, background included"
    return (
        f"Dice of {what}, after matching labels and classes one to one: mean ± sd over volumes of "
        "the mean over seeds; then the sd over seeds of the mean over volumes. `labels` says what "
        "a method was shown of the truths of training volumes; of test volumes none, but to the "
        "random forest, which is a tool for painting, and is not scored where it was painted."
    )


def _row(data: Data, kind: type[Method], one: Scores) -> str:
    cells = (f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(one.mean, one.spread, strict=True))
    seeds = one.over_seeds
    over = " / ".join(f"{sd:.3f}" for sd in seeds) if seeds is not None else "—"
    published = " / ".join(f"{x:.3f}" for x in kind.published.get(data.published, ()))
    fit = f"{one.fit_s:.0f} ({one.steps:.0f})" if kind.learns else "—"
    memory = f"{one.peak_mib:,.0f}" + (f" + {one.gpu_mib:,.0f}" if one.gpu_mib else "")
    return (
        f"| {kind.title} | {_DEVICES[one.device]} | {kind.labels} | {' | '.join(cells)} | {over} "
        f"| {len(one.dice)} | {fit} | {one.segment_s:.1f} | {memory} | {published} |"
    )


def _budgets(rows: Sequence[Scores], records: Sequence[Record]) -> list[str]:
    """How long methods trained, and what a process holds before it begins."""
    empty = np.median([record.empty_mib for record in records]) if records else 0.0
    lines = [
        f"Seconds are CPU seconds, so that work beside does not count; memory is that of the whole "
        f"process, which holds {empty:,.0f} MiB before it is given anything."
    ]
    for device, what in (("cpu", "CPU seconds"), ("cuda", "seconds on a GPU")):
        budgets = sorted({row.seconds for row in rows if row.seconds and row.device == device})
        if budgets:
            spent = " or ".join(f"{one:g}" for one in budgets)
            lines.append(f"Methods that learn had {spent} {what} of training each.")
    if any(row.device == "cuda" for row in rows):
        lines.append(
            "On a GPU seconds are those of the clock, other trainings on the same GPU beside, and "
            "the second number of memory is that of the tensors on it; networks with labels are "
            "wider there, as their files say."
        )
    else:
        lines.append("With more of it more can be expected of the larger networks.")
    return lines
