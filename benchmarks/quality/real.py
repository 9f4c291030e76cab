"""Real volumes: ``python -m benchmarks.quality real``.

Our ways of segmenting beside all simple methods that need no label, on volumes that experts
labelled. Reads ``../shared/data``, which is no part of the repository, and writes
``benchmarks/quality/results/real.md``.
"""

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from benchmarks.quality.baselines import RESULTS
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.comparison.found_methods import found_methods
from benchmarks.quality.comparison.real_data import DATA, DATASETS, FEW, MANY, Found, Measure
from benchmarks.quality.methods.gyrovox_default import GyrovoxTree
from benchmarks.quality.methods.picket import GaborKMeans

OURS = ("gyrovox-flat", "gyrovox-tree", "gyrovox-tree-intensity")

REGIONS = ("gyrovox-tree", "gyrovox-tree-intensity", "tv-tree", "bands-tree", "slic-ward")
"""Methods whose classes are regions in space, so that hundreds of them mean something."""

SIMPLE = (
    "kmeans-voxels",
    "kmeans-gaussian",
    "mixture-voxels",
    "mixture-gaussian",
    "otsu-gaussian",
    "slic-ward",
    "tv-kmeans",
    "tv-tree",
    "bands-kmeans",
    "bands-tree",
    "gabor-kmeans",
    "spectrum-kmeans",
    "neighbourhood-kmeans",
)

_ABOUT = """\
Written by `python -m benchmarks.quality real`. No method is given a label. Ours learns from the \
very volume for {seconds:g} seconds of one processor, one seed; the simple ones fit what they fit \
to it. Where the truth is instances (neurons, nuclei, cells), every method's labels count as they \
are and split into connected components, at {few} classes, and at {many} more for methods whose \
classes are regions in space ({regions}); the best of these is shown, and it is chosen **with the \
truth**, for every method alike. Nothing was tuned on these volumes. Seconds are of one \
processor, of one thread; the peak is of a process of its own until it has segmented, Python and \
the volume included."""


@dataclass(frozen=True)
class Row:
    """What came of one method on one volume.

    Args:
        method: Its title.
        found: The value of every measure; none where it did not finish.
        fit_s: Seconds of the processor.
        segment_s: Seconds of the processor, all levels together.
        peak_gib: Most memory that the process held, in GiB.
        trouble: Why there is nothing, if so.
    """

    method: str
    found: tuple[Found, ...] = ()
    fit_s: float = 0.0
    segment_s: float = 0.0
    peak_gib: float = 0.0
    trouble: str = ""

    def cells(self) -> str:
        """One line of a table."""
        if self.trouble:
            return f"| {self.method} | {self.trouble} |"
        values = " | ".join(f"{one.value:.3f} ({one.how})" for one in self.found)
        return (
            f"| {self.method} | {values} | {self.fit_s:.1f} | {self.segment_s:.1f} | "
            f"{self.peak_gib:.2f} |"
        )


def measured(name: str, dataset: str, seconds: float, *, small: bool) -> Row:
    """Run one method on one volume, in this process.

    Args:
        name: The method.
        dataset: The volume.
        seconds: Of training, where it learns.
        small: Whether to take two steps on a small crop.
    """
    import torch

    torch.set_num_threads(1)
    data = DATASETS[dataset](small=small)
    volume = data.volume()
    budget = Budget(seconds, most_steps=2 if small else None)
    method = found_methods()[name](seed=0, budget=budget)
    start = time.process_time()
    method.fit([volume])
    fitted = time.process_time()
    labels = method.segment(volume, data.levels(regions=name in REGIONS))
    ended = time.process_time()
    # Before the truth is read, which is no part of the method.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Row(
        method=method.title,
        found=tuple(data.scores(labels)),
        fit_s=fitted - start,
        segment_s=ended - fitted,
        peak_gib=peak,
    )


def apart(name: str, dataset: str, seconds: float) -> Row:
    """The same in a process of its own; what ends it is said in the row."""
    # Children of a process that has loaded the libraries and nothing else: their memory is theirs.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, GyrovoxTree.__module__, GaborKMeans.__module__])
    try:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            return pool.submit(measured, name, dataset, seconds, small=False).result()
    except BrokenProcessPool:
        return Row(found_methods()[name].title, trouble="its process was ended")
    except (ValueError, MemoryError, RuntimeError) as error:
        return Row(found_methods()[name].title, trouble=" ".join(str(error).split()))


def section(dataset: str, rows: dict[str, Row]) -> list[str]:
    """What one volume is, and its table: ours, then the simple methods, the best first."""
    data = DATASETS[dataset]
    sign = 1 if data.measures[0].higher else -1
    simple = [rows[name] for name in SIMPLE if name in rows]
    simple.sort(key=lambda row: -sign * row.found[0].value if row.found else float("inf"))
    names = " | ".join(measure.name.strip() for measure in data.measures)
    return [
        "",
        f"## {data.name}",
        "",
        f"`{data.folder}`. {data.about}",
        "",
        f"| method | {names} | fit, s | segment, s | peak, GiB |",
        "|---|" + "---|" * (len(data.measures) + 3),
        *(rows[name].cells() for name in OURS),
        *(row.cells() for row in simple),
    ]


def summary(every: dict[str, dict[str, Row]]) -> list[str]:
    """Ours and the best simple method, measure by measure."""
    lines = [
        "",
        "| volume | measure | gyrovox, k-means | gyrovox, tree | its tree of intensities | "
        "best simple method |",
        "|---|---|---|---|---|---|",
    ]
    for dataset, rows in every.items():
        data = DATASETS[dataset]
        for column, measure in enumerate(data.measures):
            ours = [_value(rows[name], column) for name in OURS]
            lines.append(
                f"| {data.name} | {measure.name.strip()} {'↑' if measure.higher else '↓'} | "
                f"{' | '.join(ours)} | {_best(rows, column, measure)} |"
            )
    return lines


def _value(row: Row, column: int) -> str:
    return f"{row.found[column].value:.3f}" if row.found else "—"


def _best(rows: dict[str, Row], column: int, measure: Measure) -> str:
    ended = [rows[name] for name in SIMPLE if name in rows and rows[name].found]
    choose = max if measure.higher else min
    best = choose(ended, key=lambda row: row.found[column].value)
    return f"{_value(best, column)}, {best.method}"


def page(every: dict[str, dict[str, Row]], seconds: float) -> str:
    """The page, of the volumes that are done."""
    about = _ABOUT.format(
        seconds=seconds,
        few=", ".join(str(k) for k in FEW),
        many=", ".join(str(k) for k in MANY),
        regions=", ".join(f"`{name}`" for name in REGIONS),
    )
    lines = ["# Real volumes, ours and simple methods", "", about, *summary(every)]
    for dataset, rows in every.items():
        lines += section(dataset, rows)
    return "\n".join(lines) + "\n"


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Measure and write the page; ``smoke`` takes two methods and a crop, and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality real")
    parser.add_argument("--seconds", type=float, default=10.0, help="of training, of ours")
    parser.add_argument("--data", nargs="+", choices=DATASETS, default=list(DATASETS))
    asked = parser.parse_args([] if smoke else given)
    if not DATA.is_dir():
        return "no real volumes here: ../shared/data is absent\n\n|---|\n"
    # Of this process' children, which read them when they load their libraries.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    simple = SIMPLE[:1] if smoke else SIMPLE
    every: dict[str, dict[str, Row]] = {}
    text = ""
    for dataset in asked.data[:1] if smoke else asked.data:
        every[dataset] = {}
        for name in (*OURS, *simple):
            row = (
                measured(name, dataset, 1.0, small=True)
                if smoke
                else apart(name, dataset, asked.seconds)
            )
            every[dataset][name] = row
            print(DATASETS[dataset].name, row.cells(), flush=True)
        text = page(every, asked.seconds)
        if not smoke:  # after every volume, for it takes long
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / "real.md").write_text(text, encoding="utf-8")
    return text
