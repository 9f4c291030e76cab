"""Time competitors alternately, so that a machine that slows down slows all of them.

Example:
    ``compare({"ours": ours, "theirs": theirs}, repeats=20, baseline="theirs").write("name")``
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One competitor's times."""

    name: str
    """What was timed."""

    median_s: float
    """Median over the rounds, in seconds."""

    fastest_s: float
    """The fastest round, in seconds."""

    ratio: float
    """Median over the rounds of its time over the baseline's in the same round."""

    ratio_quartiles: tuple[float, float]
    """First and third quartile of that ratio."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Times of all competitors in one run."""

    rows: tuple[Row, ...]
    """In the order they were given."""

    baseline: str
    """Name of the competitor that ratios are taken to."""

    repeats: int
    """Rounds; each ran every competitor once."""

    def ratio(self, name: str) -> float:
        """Median ratio of one competitor to the baseline."""
        return next(row.ratio for row in self.rows if row.name == name)

    def markdown(self, title: str, *, note: str = "") -> str:
        """The table with its title, without any machine's name."""
        lines = [
            f"# {title}",
            "",
            f"{self.repeats} rounds, every competitor once a round, the order rotating. Ratios "
            f"are to *{self.baseline}* within a round: median [quartiles].",
            *([note] if note else []),
            "",
            "| competitor | median (ms) | fastest (ms) | ratio |",
            "|---|---|---|---|",
        ]
        for row in self.rows:
            low, high = row.ratio_quartiles
            lines.append(
                f"| {row.name} | {1e3 * row.median_s:.3g} | {1e3 * row.fastest_s:.3g} | "
                f"{row.ratio:.2f} [{low:.2f}, {high:.2f}] |"
            )
        return "\n".join(lines) + "\n"

    def write(self, name: str, *, title: str | None = None, note: str = "") -> Path:
        """Write the table to ``results/<name>.md`` and return its path."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.md"
        path.write_text(self.markdown(title or name, note=note), encoding="utf-8")
        return path


def compare(competitors: dict[str, Callable[[], object]], *, repeats: int, baseline: str) -> Table:
    """Run every competitor once to warm up, then all of them in every round.

    Args:
        competitors: What to time, by name; each call is one measurement.
        repeats: Rounds, at least 2.
        baseline: Name of the competitor that ratios are taken to.

    Returns:
        Medians and ratios.

    Raises:
        ValueError: If the baseline is no competitor, or there are fewer than 2 rounds.
    """
    if baseline not in competitors:
        raise ValueError(f"baseline must be one of {list(competitors)}, and it is {baseline!r}.")
    if repeats < 2:
        raise ValueError(f"repeats must be at least 2, and it is {repeats}.")
    names = list(competitors)
    for name in names:
        seconds(competitors[name])
    spent: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(repeats):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            spent[name].append(seconds(competitors[name]))
    return Table(
        rows=tuple(_row(name, spent[name], spent[baseline]) for name in names),
        baseline=baseline,
        repeats=repeats,
    )


def seconds(run: Callable[[], object]) -> float:
    """What a call takes by the clock, until a GPU is done with all that it was given."""
    start = time.perf_counter()
    run()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _row(name: str, times: list[float], reference: list[float]) -> Row:
    ratios = [one / other for one, other in zip(times, reference, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Row(
        name=name,
        median_s=statistics.median(times),
        fastest_s=min(times),
        ratio=statistics.median(ratios),
        ratio_quartiles=(low, high),
    )
