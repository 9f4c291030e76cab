"""What each part of the method adds: ``python -m benchmarks.quality ablation``.

The published ablation, on phantoms: a Euclidean and a hyperbolic latent space, a decoder that
begins with an ordinary or with a gyroplane convolution, training without and with triplets, and
two families of posteriors. Every variant learns from the same 8 phantoms for the same number of
steps and segments the same 20 others by k-means of its codes, as published: without smoothing.
Writes ``benchmarks/quality/results/ablation-<configuration>.md``.
"""

import argparse
import itertools
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.baselines import CLASSES, RESULTS, SHAPE, SMALL, TEST_SEEDS, Shape
from gyrovox import HierarchicalSegmenter
from gyrovox.devices import share_processors
from gyrovox.evaluation import evaluate
from gyrovox.settings import Configuration, SegmentationSettings, configuration
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

TRAIN_SEEDS = range(100, 108)
"""Phantoms that every variant learns from."""

CONFIGURATIONS = ("volumetric", "default")
"""Latent volumes, as in the paper's ablation, and single points."""

_BEYOND = 2.0  # standard errors that a difference must have to count


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One row of the table: what it has, and what the paper says it scores."""

    geometry: str = "poincare"
    first_layer: str = "gyroplane"
    triplet: bool = True
    posterior: str = "wrapped-normal"
    published: tuple[float, float, float] | None = None

    def of(self, base: Configuration, steps: int) -> Configuration:
        """A configuration with these parts and no others."""
        model = replace(
            base.model,
            geometry=self.geometry,
            first_layer=self.first_layer,
            posterior=self.posterior,
        )
        weight = base.training.triplet_weight if self.triplet else 0.0
        training = replace(base.training, triplet_weight=weight, steps=steps)
        return replace(base, model=model, training=training)


VARIANTS = {
    "Euclidean base": Variant(
        geometry="euclidean",
        first_layer="tangent",
        triplet=False,
        published=(0.784, 0.322, 0.109),
    ),
    "Euclidean + triplet": Variant(
        geometry="euclidean", first_layer="tangent", published=(0.761, 0.342, 0.153)
    ),
    "hyperbolic base": Variant(
        first_layer="tangent", triplet=False, published=(0.832, 0.352, 0.135)
    ),
    "hyperbolic + gyroplane convolution": Variant(triplet=False, published=(0.905, 0.473, 0.204)),
    "hyperbolic + triplet": Variant(first_layer="tangent", published=(0.945, 0.534, 0.222)),
    "hyperbolic + both": Variant(published=(0.952, 0.541, 0.216)),
    "hyperbolic + both, Riemannian normal": Variant(posterior="riemannian-normal"),
    "Euclidean + triplet, as a twin": Variant(geometry="euclidean"),
}
"""The paper's six rows, with wrapped normal posteriors, and two more.

The last one begins with the flat limit of the gyroplane convolution, with its parameters and
starting values: what it differs by from `hyperbolic + both` is geometry alone.
"""


@dataclass(frozen=True)
class Outcome:
    """What one training led to.

    Args:
        dice: Mean Dice over classes, shape (volumes, levels).
        train_s: Seconds of training.
    """

    dice: NDArray[np.float64]
    train_s: float


def outcome(
    settings: Configuration, train: range, tests: range, seed: int, shape: Shape = SHAPE
) -> Outcome:
    """Train once on one thread, and score the test phantoms."""
    as_published = SegmentationSettings(clustering="kmeans", smoothing=0.0)
    segmenter = HierarchicalSegmenter(
        replace(settings, segmentation=as_published), seed=seed, threads=1, quiet=True
    )
    volumes = [Volume.from_array(cell_phantom(one, shape=shape).image) for one in train]
    start = time.perf_counter()
    segmenter.fit(volumes)
    spent = time.perf_counter() - start
    rows = []
    for one in tests:
        phantom = cell_phantom(one, shape=shape)
        levels = segmenter.segment(Volume.from_array(phantom.image), levels=CLASSES).levels
        rows.append([
            evaluate(levels[k], truth).mean_dice
            for k, truth in zip(CLASSES, phantom.truths, strict=True)
        ])
    return Outcome(np.array(rows), spent)


def gather(
    base: Configuration,
    *,
    train: range,
    tests: range,
    seeds: range,
    steps: int,
    processes: int,
    shape: Shape = SHAPE,
) -> dict[str, list[Outcome]]:
    """All variants with all seeds, several at a time."""
    tasks = list(itertools.product(VARIANTS, seeds))
    # Not forked: torch's threads would be left behind.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = [
            pool.submit(outcome, VARIANTS[name].of(base, steps), train, tests, seed, shape)
            for name, seed in tasks
        ]
        found: dict[str, list[Outcome]] = {name: [] for name in VARIANTS}
        for (name, seed), one in zip(tasks, waiting, strict=True):
            found[name].append(one.result())
            dice = " / ".join(f"{x:.3f}" for x in one.result().dice.mean(axis=0))
            print(f"{name}, seed {seed}: {dice}, {one.result().train_s:.0f} s", flush=True)
    return found


def markdown(
    name: str, found: dict[str, list[Outcome]], *, steps: int, train: range, tests: range
) -> str:
    """The page."""
    runs = len(next(iter(found.values())))
    lines = [
        f"# Ablation, configuration `{name}`",
        "",
        f"Mean Dice over classes, background included, of k-means of the codes without smoothing: "
        f"mean ± sd over {len(tests)} test phantoms (seeds {tests[0]} to {tests[-1]}) of the mean "
        f"over {runs} trainings. Every training saw {len(train)} other phantoms (seeds {train[0]} "
        f"to {train[-1]}) for {steps} steps. Published: Hsu et al. (2021), on their "
        "own volumes. Written by `python -m benchmarks.quality ablation`.",
        "",
        "| variant | level 1 | level 2 | level 3 | sd over seeds | published | training, s |",
        "|---|---|---|---|---|---|---|",
        *(_row(variant, several) for variant, several in found.items()),
        "",
        "## Does the published order hold?",
        "",
        *_reading(found),
        "",
        "## Differences",
        "",
        f"Each minus `{next(iter(found))}`, mean ± standard error over the volumes:",
        "",
    ]
    first = _per_volume(next(iter(found.values())))
    for variant, several in list(found.items())[1:]:
        mean, error = _gap(_per_volume(several), first)
        cells = ", ".join(f"{m:+.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True))
        lines.append(f"- {variant}: {cells}")
    return "\n".join(lines) + "\n"


def _row(name: str, several: Sequence[Outcome]) -> str:
    dice = np.stack([one.dice for one in several])
    over = dice.mean(axis=0)
    ddof = min(1, len(over) - 1)
    cells = zip(over.mean(axis=0), over.std(axis=0, ddof=ddof), strict=True)
    scores = " | ".join(f"{mean:.3f} ± {sd:.3f}" for mean, sd in cells)
    runs = " / ".join(
        f"{sd:.3f}" for sd in dice.mean(axis=1).std(axis=0, ddof=min(1, len(dice) - 1))
    )
    published = VARIANTS[name].published
    said = "" if published is None else " / ".join(f"{x:.3f}" for x in published)
    spent = np.mean([one.train_s for one in several])
    return f"| {name} | {scores} | {runs} | {said} | {spent:.0f} |"


def _per_volume(several: Sequence[Outcome]) -> NDArray[np.float64]:
    """Mean over seeds, shape (volumes, levels)."""
    return np.mean([one.dice for one in several], axis=0)


def _gap(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean difference over volumes and its standard error, each of shape (levels,)."""
    gap = one - other
    error = gap.std(axis=0, ddof=min(1, len(gap) - 1)) / np.sqrt(len(gap))
    return gap.mean(axis=0), error


def _reading(found: dict[str, list[Outcome]]) -> list[str]:
    """For every level: how many of the published comparisons are seen, and how many reversed."""
    scored = {name: v.published for name, v in VARIANTS.items() if v.published is not None}
    lines = []
    for level in range(len(CLASSES)):
        seen = reversed_ = 0
        pairs = list(itertools.combinations(scored, 2))
        for one, other in pairs:
            sign = np.sign(scored[one][level] - scored[other][level])
            mean, error = _gap(_per_volume(found[one]), _per_volume(found[other]))
            if abs(mean[level]) > _BEYOND * error[level]:
                seen += bool(sign * mean[level] > 0)
                reversed_ += bool(sign * mean[level] < 0)
        verdict = "holds" if seen == len(pairs) else "does not hold"
        lines.append(
            f"- Level {level + 1}: the published order {verdict}. Of its {len(pairs)} comparisons "
            f"of two rows, {seen} come out the same way, {reversed_} the other way, and "
            f"{len(pairs) - seen - reversed_} differ by less than {_BEYOND:g} standard errors over "
            "the volumes."
        )
    return lines


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Measure and write the tables; ``smoke`` runs everything small and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality ablation")
    parser.add_argument("--configuration", choices=CONFIGURATIONS, default=CONFIGURATIONS[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings of every variant")
    parser.add_argument("--steps", type=int, default=200, help="of every training")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time")
    asked = parser.parse_args([] if smoke else given)
    share_processors()
    base = configuration(asked.configuration)
    steps = 1 if smoke else asked.steps
    train, tests = (range(100, 101), range(1000, 1001)) if smoke else (TRAIN_SEEDS, TEST_SEEDS)
    found = gather(
        base,
        train=train,
        tests=tests,
        seeds=range(1 if smoke else asked.seeds),
        steps=steps,
        processes=1 if smoke else asked.processes,
        shape=SMALL if smoke else SHAPE,
    )
    text = markdown(asked.configuration, found, steps=steps, train=train, tests=tests)
    print(text)
    if not smoke:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"ablation-{asked.configuration}.md"
        path.write_text(text, encoding="utf-8")
    return text
