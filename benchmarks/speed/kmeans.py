"""A Lloyd iteration beside scikit-learn's: ``python -m benchmarks.speed.kmeans``.

Both are given the same float32 codes, the same first centres, the same threads. scikit-learn has
no public iteration, so it is asked for 11 and for 1 and a tenth of the difference is charged:
what both calls share (validation, centring, the last labels) counts for neither.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from benchmarks.speed.interleaved import RESULTS
from gyrovox.clustering import HyperbolicKMeans
from gyrovox.clustering.lloyd import Lloyd, threads
from gyrovox.clustering.space import FlatSpace, HyperbolicSpace, Space
from gyrovox.devices import share_processors

SHAPES = ((2, 8), (8, 16))
"""Dimensions and clusters."""

HEAD = """# One Lloyd iteration

The mean of ten. float32 codes from a normal distribution, and the first codes as the first centres,
unless said: *as fit starts* is from centres found on a subsample, from where `fit` goes through all
the codes. {repeats} rounds, every competitor once a round; ratios are to scikit-learn in the same
round: median [least, largest]. Written by `python -m benchmarks.speed.kmeans`.

"""

_ITERATIONS = 10


def reference_seconds(codes: np.ndarray, first: np.ndarray, count: int) -> float:
    """Seconds of one iteration of scikit-learn."""
    spent = []
    for steps in (1, 1 + _ITERATIONS):
        model = KMeans(len(first), init=first, n_init=1, max_iter=steps, tol=0, algorithm="lloyd")
        with threadpool_limits(count), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            start = time.perf_counter()
            model.fit(codes)
            spent.append(time.perf_counter() - start)
        if model.n_iter_ != steps:
            raise RuntimeError(f"scikit-learn stopped after {model.n_iter_} of {steps} iterations")
    return (spent[1] - spent[0]) / _ITERATIONS


def our_seconds(codes: np.ndarray, first: np.ndarray, space: Space) -> Callable[[int], float]:
    """A function of the threads that gives the seconds of one of our iterations."""

    def measured(count: int) -> float:
        with threads(count) as workers:
            lloyd = Lloyd(space, codes, None, workers)
            centres = lloyd.step(first).centres  # lifts the codes, as `fit` does once
            start = time.perf_counter()
            for _ in range(_ITERATIONS):
                centres = lloyd.step(centres).centres
            return (time.perf_counter() - start) / _ITERATIONS

    return measured


def measure(points: int, dim: int, clusters: int, counts: list[int], repeats: int) -> str:
    """Markdown: milliseconds per iteration and ratios, all competitors in every round."""
    codes = np.random.default_rng(0).normal(scale=0.5, size=(points, dim)).astype(np.float32)
    first = codes[:clusters].astype(np.float64)
    middle = codes.mean(axis=0, dtype=np.float64)
    # What `fit` polishes: the end of a run on a subsample.
    later = HyperbolicKMeans(clusters, n_init=1, max_iter=1).fit(codes).cluster_centers_
    ours = {
        "HyperbolicKMeans, as fit starts": our_seconds(codes, later, HyperbolicSpace()),
        "HyperbolicKMeans": our_seconds(codes, first, HyperbolicSpace()),
        "HyperbolicKMeans, curvature 0": our_seconds(codes, first, FlatSpace(middle)),
        "HyperbolicKMeans, float64": our_seconds(codes.astype(float), first, HyperbolicSpace()),
    }
    lines = [
        f"## N = {points:,}, d = {dim}, k = {clusters}",
        "",
        "| competitor | threads | median (ms) | ratio |",
        "|---|---|---|---|",
    ]
    for count in counts:
        spent: dict[str, list[float]] = {name: [] for name in ["scikit-learn, lloyd", *ours]}
        for _ in range(repeats):
            spent["scikit-learn, lloyd"].append(
                reference_seconds(codes, first.astype(np.float32), count)
            )
            for name, timed in ours.items():
                spent[name].append(timed(count))
        for name, times in spent.items():
            ratios = np.divide(times, spent["scikit-learn, lloyd"])
            lines.append(
                f"| {name} | {count} | {1e3 * statistics.median(times):.1f} | "
                f"{np.median(ratios):.2f} [{ratios.min():.2f}, {ratios.max():.2f}] |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    share_processors()  # as the command line does; spinning threads of one slow the other down
    parts = [
        measure(asked.points, dim, clusters, asked.threads, asked.repeats)
        for dim, clusters in SHAPES
    ]
    text = HEAD.format(repeats=asked.repeats) + "\n".join(parts)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "kmeans.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
