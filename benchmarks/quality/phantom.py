"""Label-free segmentation of the cell phantom: our configurations beside the simple methods.

``python -m benchmarks.quality.phantom`` trains every configuration on 80 phantoms, segments 20 that
it has never seen, and writes ``benchmarks/quality/results/phantom-<variant>.md``.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.baselines import BASELINES, CLASSES, RESULTS, TEST_SEEDS, measure
from gyrovox import HierarchicalSegmenter
from gyrovox.evaluation import evaluate
from gyrovox.settings import CATALOGUE, configuration
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import Variant, cell_phantom

TRAIN_SEEDS = range(100, 180)
"""Phantoms that the models learn from; test seeds begin at 1000."""

PUBLISHED = (0.952, 0.541, 0.216)
"""Hsu et al. (2021), table 1, on their own 20 test volumes, which are not public."""


@dataclass(frozen=True)
class Score:
    """Dice of one method.

    Args:
        name: What it is called in the table.
        dice: Mean Dice over classes, shape (runs, volumes, levels).
        train_s: Seconds of training a run.
        segment_s: Seconds a volume, all levels.
    """

    name: str
    dice: NDArray[np.float64]
    train_s: float
    segment_s: float

    def row(self) -> str:
        """One line of the table: mean ± sd over volumes of the mean over runs."""
        per_volume = self.dice.mean(axis=0)
        ddof = min(1, len(per_volume) - 1)
        cells = zip(per_volume.mean(axis=0), per_volume.std(axis=0, ddof=ddof), strict=True)
        scores = " | ".join(f"{mean:.3f} ± {sd:.3f}" for mean, sd in cells)
        over_seeds = self.dice.mean(axis=1).std(axis=0)
        runs = " / ".join(f"{sd:.3f}" for sd in over_seeds) if len(self.dice) > 1 else "one run"
        return f"| {self.name} | {scores} | {runs} | {self.train_s:.0f} | {self.segment_s:.1f} |"


def learned(
    name: str,
    variant: Variant,
    *,
    runs: Sequence[int],
    tests: range,
    train: range,
    steps: int | None,
) -> Score:
    """Train a named configuration with each seed of ``runs`` and score it on ``tests``."""
    settings = configuration(name)
    if steps is not None:
        settings = replace(settings, training=replace(settings.training, steps=steps))
    volumes = [Volume.from_array(cell_phantom(seed, variant=variant).image) for seed in train]
    dice = np.empty((len(runs), len(tests), len(CLASSES)))
    train_s = segment_s = 0.0
    for run, seed in enumerate(runs):
        segmenter = HierarchicalSegmenter(settings, seed=seed, quiet=True)
        start = time.perf_counter()
        segmenter.fit(volumes)
        train_s += time.perf_counter() - start
        for row, test in enumerate(tests):
            phantom = cell_phantom(test, variant=variant)
            start = time.perf_counter()
            found = segmenter.segment(Volume.from_array(phantom.image), levels=CLASSES)
            segment_s += time.perf_counter() - start
            dice[run, row] = [
                evaluate(found.levels[k], truth).mean_dice
                for k, truth in zip(CLASSES, phantom.truths, strict=True)
            ]
    return Score(name, dice, train_s / len(runs), segment_s / (len(runs) * len(tests)))


def simple(name: str, variant: Variant, tests: range) -> Score:
    """Score a simple method on ``tests``."""
    dice, seconds = measure(BASELINES[name], variant, tests)
    return Score(name, dice[None], 0.0, seconds)


def markdown(
    scores: Sequence[Score], variant: Variant, runs: int, tests: range, train: range
) -> str:
    """The table, and how the default does against the simple methods volume by volume."""
    ours = next((score for score in scores if score.name == "default"), None)
    lines = [
        f"# The cell phantom, variant `{variant}`",
        "",
        f"Mean Dice over classes, background included: mean ± sd over {len(tests)} test volumes "
        f"(seeds {tests[0]} to {tests[-1]}), k-means with k = 2, 4, 8 against levels 1, 2, 3. "
        f"Learned methods saw {len(train)} other phantoms (seeds {train[0]} to {train[-1]}); "
        f"`default` and `euclidean` are means over {runs} training seeds, `paper` is one run. "
        "Written by `python -m benchmarks.quality.phantom`.",
        "",
        "| method | level 1 | level 2 | level 3 | sd over seeds | training, s | a volume, s |",
        "|---|---|---|---|---|---|---|",
        *(score.row() for score in scores),
        "| published, on their volumes | " + " | ".join(f"{x:.3f}" for x in PUBLISHED) + " | | | |",
    ]
    if ours is not None:
        lines += ["", "`default` minus another method, mean ± standard error over the volumes:", ""]
        lines += [_difference(ours, other) for other in scores if other is not ours]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines += ["", f"Peak memory of the whole run: {peak:.1f} GiB."]
    return "\n".join(lines) + "\n"


def _difference(ours: Score, other: Score) -> str:
    gap = ours.dice.mean(axis=0) - other.dice.mean(axis=0)
    error = gap.std(axis=0, ddof=min(1, len(gap) - 1)) / np.sqrt(len(gap))
    cells = ", ".join(
        f"{mean:+.3f} ± {se:.3f}" for mean, se in zip(gap.mean(axis=0), error, strict=True)
    )
    return f"- {other.name}: {cells}"


def main(*, smoke: bool = False) -> str:
    """Measure and write the table; ``smoke`` runs everything small and writes nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=get_args(Variant), default="regular")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args([] if smoke else None)
    small = smoke or given.smoke
    tests, train = (range(1000, 1001), range(100, 101)) if small else (TEST_SEEDS, TRAIN_SEEDS)
    scores = [simple(name, given.variant, tests) for name in BASELINES]
    for name in CATALOGUE:
        runs = range(1 if small or name == "paper" else given.runs)
        steps = 2 if small else None
        scores.append(
            learned(name, given.variant, runs=runs, tests=tests, train=train, steps=steps)
        )
        print(scores[-1].row(), flush=True)
    text = markdown(scores, given.variant, runs=given.runs, tests=tests, train=train)
    print(text)
    if not small:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"phantom-{given.variant}.md").write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
