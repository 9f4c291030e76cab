"""Label-free segmentation of the cell phantom: our methods beside the simple ones.

``python -m benchmarks.quality.phantom`` trains the configurations on 80 phantoms, segments 20 that
it has never seen by trees of every evidence and by k-means, and writes
``benchmarks/quality/results/phantom-<variant>.md``. Trees of voxels, intensity and texture do not
depend on what was trained, so they have one run.
"""

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.quality.baselines import (
    BASELINES,
    CLASSES,
    RESULTS,
    SHAPE,
    SMALL,
    TEST_SEEDS,
    Shape,
    measure,
)
from gyrovox import HierarchicalSegmenter
from gyrovox.clustering import SegmentationTree, build_tree
from gyrovox.evaluation import evaluate, evaluate_hierarchy
from gyrovox.patches import normalise
from gyrovox.segmentation import Segmentation
from gyrovox.settings import SegmentationSettings, configuration
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import CellPhantom, Variant, cell_phantom

TRAIN_SEEDS = range(100, 180)
"""Phantoms that the models learn from; test seeds begin at 1000."""

PUBLISHED = (0.952, 0.541, 0.216)
"""Hsu et al. (2021), table 1, on their own 20 test volumes, which are not public."""

NOISE = 0.35
"""Standard deviation of a phantom's noise; cell and background nearer than that share a colour."""

Learned = Literal["default", "euclidean"]
Labels = dict[int, NDArray[np.integer]]

BY_TREE = {
    "tree of texture (default)": SegmentationSettings(),
    "tree of intensity": SegmentationSettings(evidence="intensity"),
}
BY_CODES = {
    "tree of {} codes": SegmentationSettings(evidence="codes"),
    "k-means of {} codes, as before": SegmentationSettings(clustering="kmeans"),
}
SPACES: dict[Learned, str] = {"default": "hyperbolic", "euclidean": "Euclidean"}


@dataclass
class Score:
    """Dice of one method.

    Args:
        name: What it is called in the table.
        dice: Mean Dice over classes, shape (runs, volumes, levels).
        segment_s: Seconds a volume, all levels.
    """

    name: str
    dice: NDArray[np.float64]
    segment_s: float

    def row(self, chosen: NDArray[np.bool_] | None = None) -> str:
        """One line of the table: mean ± sd over volumes of the mean over runs."""
        dice = self.dice if chosen is None else self.dice[:, chosen]
        per_volume = dice.mean(axis=0)
        ddof = min(1, len(per_volume) - 1)
        cells = zip(per_volume.mean(axis=0), per_volume.std(axis=0, ddof=ddof), strict=True)
        scores = " | ".join(f"{mean:.3f} ± {sd:.3f}" for mean, sd in cells)
        over_seeds = dice.mean(axis=1).std(axis=0)
        runs = " / ".join(f"{sd:.3f}" for sd in over_seeds) if len(dice) > 1 else "one run"
        return f"| {self.name} | {scores} | {runs} | {self.segment_s:.1f} |"


def scored(
    name: str, phantoms: Sequence[CellPhantom], segment: Callable[[CellPhantom], Labels]
) -> Score:
    """Score one run of a method on phantoms."""
    dice = np.empty((1, len(phantoms), len(CLASSES)))
    start = time.perf_counter()
    found = [segment(phantom) for phantom in phantoms]
    spent = time.perf_counter() - start
    for row, (labels, phantom) in enumerate(zip(found, phantoms, strict=True)):
        dice[0, row] = [
            evaluate(labels[k], truth).mean_dice
            for k, truth in zip(CLASSES, phantom.truths, strict=True)
        ]
    return Score(name, dice, spent / len(phantoms))


def trained(
    name: Learned,
    variant: Variant,
    train: range,
    *,
    seed: int,
    steps: int | None,
    shape: Shape = SHAPE,
):
    """A segmenter that has learned from the training phantoms, and how long that took."""
    settings = configuration(name)
    if steps is not None:
        settings = replace(settings, training=replace(settings.training, steps=steps))
    phantoms = [cell_phantom(one, shape=shape, variant=variant) for one in train]
    volumes = [Volume.from_array(phantom.image) for phantom in phantoms]
    segmenter = HierarchicalSegmenter(settings, seed=seed, quiet=True)
    start = time.perf_counter()
    segmenter.fit(volumes)
    return segmenter, time.perf_counter() - start


def by(
    segmenter: HierarchicalSegmenter, segmentation: SegmentationSettings
) -> Callable[[CellPhantom], Labels]:
    """Segment with a trained segmenter, another way."""

    def segment(phantom: CellPhantom) -> Labels:
        return dict(_segmented(segmenter, segmentation, phantom).levels)

    return segment


def _segmented(
    segmenter: HierarchicalSegmenter, segmentation: SegmentationSettings, phantom: CellPhantom
) -> Segmentation:
    segmenter.configuration_ = replace(segmenter.configuration_, segmentation=segmentation)
    return segmenter.segment(Volume.from_array(phantom.image), levels=CLASSES)


def by_voxels(phantom: CellPhantom) -> Labels:
    """The tree of the voxels as they are."""
    voxels = np.moveaxis(normalise(phantom.image[None]), 0, -1)
    tree = build_tree(voxels, voxels, curvature=0.0)
    return {k: tree.cut(k).labels for k in CLASSES}


def gather(
    variant: Variant,
    tests: range,
    train: range,
    runs: int,
    *,
    steps: int | None,
    shape: Shape = SHAPE,
):
    """Scores of all methods, and lines about the trees and the training."""
    phantoms = [cell_phantom(seed, shape=shape, variant=variant) for seed in tests]
    scores = [scored("tree of voxels", phantoms, by_voxels)]
    for name, baseline in BASELINES.items():
        dice, seconds = measure(baseline, variant, tests, shape)
        scores.append(Score(name, dice[None], seconds))
    # What is trained does not matter to these trees: a step is enough.
    segmenter, _ = trained("default", variant, train[:1], seed=0, steps=1, shape=shape)
    scores += [scored(one, phantoms, by(segmenter, how)) for one, how in BY_TREE.items()]
    print(scores[-2].row(), scores[-1].row(), sep="\n", flush=True)
    lines = [about_hierarchy(segmenter, phantoms)]
    for name, space in SPACES.items():
        each: dict[str, list[Score]] = {}
        for seed in range(runs):
            segmenter, seconds = trained(name, variant, train, seed=seed, steps=steps, shape=shape)
            for label, how in BY_CODES.items():
                called = label.format(space)
                each.setdefault(called, []).append(scored(called, phantoms, by(segmenter, how)))
            if seed == 0:
                lines.append(about_nodes(segmenter, space, phantoms, seconds))
        for called, several in each.items():
            dice = np.concatenate([one.dice for one in several])
            scores.append(Score(called, dice, several[0].segment_s))
            print(scores[-1].row(), flush=True)
    return scores, lines


def about_nodes(
    segmenter: HierarchicalSegmenter,
    space: str,
    phantoms: Sequence[CellPhantom],
    seconds: float,
) -> str:
    """Whether a node's radius says how large, or how deep, it is."""
    rho: list[tuple[float, float]] = []
    for phantom in phantoms:
        tree = _segmented(segmenter, SegmentationSettings(), phantom).tree
        assert isinstance(tree, SegmentationTree)
        rho.append((
            float(spearmanr(tree.radii, tree.sizes).statistic),
            float(spearmanr(tree.radii, tree.depths).statistic),
        ))
    mean = np.mean(rho, axis=0)
    spread = np.std(rho, axis=0)
    return (
        f"- {space} codes, trained in {seconds:.0f} s: Spearman correlation of a node's radius "
        f"with its size {mean[0]:+.2f} ± {spread[0]:.2f}, with its depth {mean[1]:+.2f} ± "
        f"{spread[1]:.2f}."
    )


def about_hierarchy(segmenter: HierarchicalSegmenter, phantoms: Sequence[CellPhantom]) -> str:
    """Oracle Dice, purity and consistency of the default trees."""
    rows = []
    for phantom in phantoms:
        tree = _segmented(segmenter, SegmentationSettings(), phantom).tree
        assert isinstance(tree, SegmentationTree)
        cuts = [tree.cut(k).labels.astype(np.int64) for k in CLASSES]
        found = evaluate_hierarchy(tree.leaves, tree.parents, cuts, list(phantom.truths))
        levels = found.levels
        rows.append(
            [level.mean_oracle_dice for level in levels]
            + [level.balanced_dendrogram_purity for level in levels]
            + [level.parent_child_consistency or 0.0 for level in levels[1:]]
        )
    mean = np.mean(rows, axis=0)
    shown = " / ".join(f"{x:.3f}" for x in mean[:3])
    purity = " / ".join(f"{x:.3f}" for x in mean[3:6])
    steps = " / ".join(f"{x:.3f}" for x in mean[6:])
    return (
        f"- the default's trees: best node per object (oracle Dice) {shown}, dendrogram "
        f"purity with classes of equal weight "
        f"{purity}, parent-child consistency {steps}."
    )


def same_colour(phantoms: Sequence[CellPhantom]) -> NDArray[np.bool_]:
    """Volumes whose cell and background share a colour."""
    gaps = []
    for phantom in phantoms:
        finest = phantom.truths[2]
        gaps.append(abs(phantom.image[finest == 0].mean() - phantom.image[finest == 1].mean()))
    return np.array(gaps) < NOISE


def markdown(
    scores: Sequence[Score], lines: Sequence[str], variant: Variant, tests: range, train: range
) -> str:
    """The tables, and how the default does against the others volume by volume."""
    alike = same_colour([cell_phantom(seed, variant=variant) for seed in tests])
    head = [
        "| method | level 1 | level 2 | level 3 | sd over seeds | a volume, s |",
        "|---|---|---|---|---|---|",
    ]
    out = [
        f"# The cell phantom, variant `{variant}`",
        "",
        f"Mean Dice over classes, background included: mean ± sd over {len(tests)} test volumes "
        f"(seeds {tests[0]} to {tests[-1]}), 2, 4 and 8 classes against levels 1, 2, 3. Learned "
        f"codes come from {len(train)} other phantoms (seeds {train[0]} to {train[-1]}). Written "
        "by `python -m benchmarks.quality.phantom`.",
        "",
        *head,
        *(score.row() for score in scores),
        "| published, on their volumes | " + " | ".join(f"{x:.3f}" for x in PUBLISHED) + " | | |",
    ]
    if variant != "texture" and alike.any() and not alike.all():
        out += [
            "",
            f"Only the {alike.sum()} volumes whose cell and background share a colour (means less "
            f"than {NOISE} apart, one standard deviation of the noise):",
            "",
            *head,
            *(score.row(alike) for score in scores),
        ]
    out += ["", *lines]
    ours = next(score for score in scores if "default" in score.name)
    out += ["", f"{ours.name} minus another method, mean ± standard error over the volumes:", ""]
    out += [_difference(ours, other) for other in scores if other is not ours]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    out += ["", f"Peak memory of the whole run: {peak:.1f} GiB."]
    return "\n".join(out) + "\n"


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
    parser.add_argument("--runs", type=int, default=3, help="0: nothing is learned")
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args([] if smoke else None)
    small = smoke or given.smoke
    tests, train = (range(1000, 1001), range(100, 101)) if small else (TEST_SEEDS, TRAIN_SEEDS)
    runs, steps = (1, 2) if small else (given.runs, None)
    shape = SMALL if small else SHAPE
    scores, lines = gather(given.variant, tests, train, runs, steps=steps, shape=shape)
    text = markdown(scores, lines, given.variant, tests, train)
    print(text)
    if not small:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"phantom-{given.variant}.md").write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
