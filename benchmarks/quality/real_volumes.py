"""Trees of real volumes with expert labels: brain tumours in MRI, neurons in volume EM.

``python -m benchmarks.quality.real_volumes`` reads ``../shared/data``, which is not part of the
repository, and writes ``benchmarks/quality/results/real-volumes.md``. No label is used but for the
scores. Nothing is trained: trees of intensity and texture need no codes.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import higra as hg
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from skimage.metrics import adapted_rand_error, variation_of_information
from skimage.segmentation import watershed

from gyrovox import io
from gyrovox.clustering import SegmentationTree, build_tree
from gyrovox.evaluation import oracle_dice
from gyrovox.patches import cartoon_and_texture, normalise

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PATIENTS = ("pat0001", "pat0003", "pat0005")
CUTS = (3, 4, 5, 6, 8)
NEURON_CUTS = (50, 100, 200, 500, 1000, 2000, 4000)
SMALL = 24  # side of the crops of a smoke run, which looks at one patient
REGIONS = 4096


def tree_of(
    voxels: NDArray[np.float32], *, texture: bool, regions: int = 1024
) -> tuple[SegmentationTree, float]:
    """The tree of a volume, shape (channels, z, y, x), and the seconds that it took."""
    start = time.perf_counter()
    normal = normalise(voxels)
    features = cartoon_and_texture(normal, texture=texture)
    # Codes only describe nodes; the first feature stands for them.
    intensities = np.ascontiguousarray(np.moveaxis(normal, 0, -1))
    tree = build_tree(features[..., :1], features, intensities, curvature=0.0, regions=regions)
    return tree, time.perf_counter() - start


def tumours(*, small: bool) -> Iterator[str]:
    """Rows of the table of the brain tumours."""
    for files in (("Flair",), ("Flair", "T1c")):
        for texture in (False, True):
            rows = []
            for patient in PATIENTS[:1] if small else PATIENTS:
                folder = DATA / "mri_brats2013" / patient
                names = [folder / f"{name}_subtrMeanDivStd.nii.gz" for name in files]
                voxels = io.read(",".join(str(name) for name in names)).read().astype(np.float32)
                labels = io.read(folder / "OTMultiClass.nii.gz").read()[0].astype(np.uint8)
                brain = io.read(folder / "brainmask.nii.gz").read()[0] > 0
                if small:
                    middle = tuple(
                        slice(n // 2 - SMALL // 2, n // 2 + SMALL // 2) for n in brain.shape
                    )
                    voxels, labels, brain = voxels[:, *middle], labels[middle], brain[middle]
                tree, seconds = tree_of(voxels, texture=texture)
                rows.append([*_tumour_scores(tree, labels, brain), seconds])
                shown = " | ".join(f"{score:.3f}" for score in rows[-1][:-1])
                how = f"{' + '.join(files)}, {'texture' if texture else 'intensity'}"
                yield f"| {how} | {patient} | {shown} | {seconds:.0f} |"
            shown = " | ".join(f"{score:.3f}" for score in np.mean(rows, axis=0)[:-1])
            yield f"| {how} | **mean** | {shown} | |"


def _tumour_scores(
    tree: SegmentationTree, labels: NDArray[np.uint8], brain: NDArray[np.bool_]
) -> list[float]:
    """Dice of the whole tumour at every cut, then of the best nodes of its three parts."""
    truth = np.where(labels > 0, 2, brain).astype(np.uint8)
    scores = []
    for classes in CUTS:
        found = tree.cut(classes).labels.astype(np.int64)
        table = np.zeros((classes, 3))
        np.add.at(table, (found.ravel(), truth.ravel()), 1)
        dice = 2 * table / np.maximum(table.sum(axis=0) + table.sum(axis=1, keepdims=True), 1)
        found_class, true_class = linear_sum_assignment(-dice)
        scores.append(float(dice[found_class[true_class == 2], 2].sum()))
    for part in ((1, 2, 3, 4), (1, 3, 4), (4,)):
        mask = np.isin(labels, part).astype(np.uint8)
        best = [node.dice for node in oracle_dice(tree.leaves, tree.parents, mask)]
        scores.append(float(best[-1]) if mask.any() else 0.0)
    return scores


def neurons(*, small: bool) -> Iterator[str]:
    """Rows of the table of the neurons."""
    path = DATA / "em_fib25_medulla_labelled" / "fib25_z000-124.h5"
    raw = io.read(f"{path}::raw").read().astype(np.float32)
    truths = [io.read(f"{path}::{name}").read()[0] for name in ("gt_neurons", "gt_supervoxels")]
    if small:
        raw, truths = raw[:, :SMALL, :SMALL, :SMALL], [t[:SMALL, :SMALL, :SMALL] for t in truths]
    truths = [np.unique(truth, return_inverse=True)[1].astype(np.int32) for truth in truths]
    truths = [truth.reshape(raw.shape[1:]) for truth in truths]
    for texture in (False, True):
        tree, seconds = tree_of(raw, texture=texture, regions=REGIONS)
        name = f"tree of {'texture' if texture else 'intensity'}"
        cuts = {k: tree.cut(k).labels for k in NEURON_CUTS if k <= tree.n_leaves}
        best = [node.dice for node in oracle_dice(tree.leaves, tree.parents, truths[0])]
        yield _neuron_row(name, cuts, truths, seconds, f"{np.mean(best):.3f}")
    start = time.perf_counter()
    cuts = mean_affinity(raw[0])
    yield _neuron_row("watershed + mean affinity", cuts, truths, time.perf_counter() - start, "—")


def mean_affinity(raw: NDArray[np.float32]) -> dict[int, NDArray[np.intp]]:
    """Basins of the smoothed, inverted volume, merged by the mean of their boundaries."""
    boundary = -ndimage.gaussian_filter(raw, 1.0)  # membranes are dark
    basins = watershed(boundary) - 1
    count = int(basins.max()) + 1
    keys, weights = [], []
    for axis in range(3):
        one, other = np.moveaxis(basins, axis, 0)[:-1], np.moveaxis(basins, axis, 0)[1:]
        ahead = np.moveaxis(boundary, axis, 0)
        touch = one != other
        low, high = np.minimum(one, other)[touch], np.maximum(one, other)[touch]
        keys.append(low.astype(np.int64) * count + high)
        weights.append(((ahead[:-1] + ahead[1:]) / 2)[touch])
    pairs, where, faces = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    graph = hg.UndirectedGraph(count)
    graph.add_edges(pairs // count, pairs % count)
    means = np.bincount(where, np.concatenate(weights)) / faces
    tree, _ = hg.binary_partition_tree_average_linkage(graph, means, faces.astype(np.float64))
    parents, nodes = tree.parents(), tree.num_vertices()
    cuts = {}
    for classes in NEURON_CUTS:
        if classes > count:
            continue
        top = np.arange(nodes)
        for node in range(nodes - 2, -1, -1):
            if parents[node] < nodes - (classes - 1):
                top[node] = top[parents[node]]
        cuts[classes] = top[:count][basins]
    return cuts


def _neuron_row(
    name: str,
    cuts: dict[int, NDArray[np.integer]],
    truths: list[NDArray[np.int32]],
    seconds: float,
    oracle: str,
) -> str:
    cells = []
    for truth in truths:
        scores = []
        for classes, labels in cuts.items():
            split, merged = variation_of_information(truth, labels)
            error = adapted_rand_error(truth, labels, ignore_labels=())[0]
            scores.append((split + merged, error, classes))
        for column in (0, 1):
            best = min(scores, key=lambda score: score[column])
            cells.append(f"{best[column]:.3f} (k = {best[2]})")
    return f"| {name} | " + " | ".join(cells) + f" | {oracle} | {seconds:.0f} |"


def main(*, smoke: bool = False) -> str:
    """Measure and write the tables; ``smoke`` runs on small crops and writes nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args([] if smoke else None)
    small = smoke or given.smoke
    if not DATA.is_dir():
        return "no real volumes here: ../shared/data is absent\n\n|---|\n"
    cuts = " | ".join(f"k = {k}" for k in CUTS)
    lines = [
        "# Trees of real volumes",
        "",
        "Written by `python -m benchmarks.quality.real_volumes`. Seconds include the features.",
        "",
        "## Brain tumours (BraTS 2013, patients 1, 3 and 5; 240 x 240 x 155 voxels)",
        "",
        "Dice of the whole tumour in a cut of the tree into k classes, matched one to one "
        "(Hungarian) with outside, brain and tumour; no mask. Then the best single node for the "
        "whole tumour, its core, its enhancing core. These patients were looked at while the "
        "method was made.",
        "",
        f"| features | patient | {cuts} | whole | core | enhancing | s |",
        "|---|---|" + "---|" * (len(CUTS) + 4),
    ]
    for row in tumours(small=small):
        print(row, flush=True)
        lines.append(row)
    lines += [
        "",
        "## Neurons (FIB-25, z < 125; 125 x 250 x 250 voxels)",
        "",
        f"Of the cuts into {', '.join(str(k) for k in NEURON_CUTS)} the one with the least "
        "variation of information (bits), and that with the least adapted Rand error, against "
        "neurons and against supervoxels; then the mean Dice of the best node of every neuron.",
        "",
        "| method | neurons: VI | Rand error | supervoxels: VI | Rand error | oracle Dice | s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in neurons(small=small):
        print(row, flush=True)
        lines.append(row)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    lines += ["", f"Peak memory of the whole run: {peak:.1f} GiB."]
    text = "\n".join(lines) + "\n"
    if not small:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "real-volumes.md").write_text(text, encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
