"""Every method on the same volumes: ``python -m benchmarks.quality run --data phantom-regular``.

Every method, seed and fold is a process of its own, which never sees a test truth; it is scored
here, and leaves a line in ``benchmarks/quality/results/comparison/DATA.jsonl``. What has a line is
not run again, so a run that was stopped goes on. At the end, and with `--pages` at once, tables
(``DATA.md``) and figures (``DATA.png``) are made of all the lines.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality.comparison.data import Case, Data, data_of, on_grid
from benchmarks.quality.comparison.figure import figure
from benchmarks.quality.comparison.found_methods import found_methods
from benchmarks.quality.comparison.job import Job, Spent
from benchmarks.quality.comparison.method import Method
from benchmarks.quality.comparison.page import page
from benchmarks.quality.comparison.records import Ledger, Record, rounded
from gyrovox.devices import share_processors
from gyrovox.evaluation import evaluate

FOLDER = Path(__file__).parents[1] / "results" / "comparison"
_ROOT = Path(__file__).parents[3]
ALL_PHANTOMS = ("phantom-regular", "phantom-irregular", "phantom-texture")
_START = (
    "import sys, pathlib; from benchmarks.quality.comparison.job import main; "
    "main(pathlib.Path(sys.argv[1]))"
)
_SMOKE_METHODS = ("kmeans-gaussian", "kmeans-voxels")


@dataclass(frozen=True)
class Failure:
    """A run that gave no labels.

    Args:
        said: The end of what it wrote.
    """

    job: Job
    said: str


def scored(case: Case, path: Path, levels: Sequence[int]) -> list[list[float]]:
    """Dice of every class at every level, by the labels in a file, painted voxels left out."""
    truth = case.truth()
    rows = []
    with np.load(path) as kept:
        for k in levels:
            classes = truth[k].astype(np.int64)
            classes[on_grid(kept["painted"], classes.shape)] = -1
            found = evaluate(on_grid(kept[str(k)], classes.shape), classes, ignore=(-1,))
            rows.append([one.dice for one in found.classes])
    return rows


def jobs_of(
    word: str,
    data: Data,
    methods: Sequence[type[Method]],
    seeds: Sequence[int],
    asked: argparse.Namespace,
) -> Iterator[Job]:
    """All runs of methods on data: the first seed of every method first."""
    for seed in seeds:
        for kind in methods:
            if seed != seeds[0] and not kind.learns:
                continue
            for fold in data.folds:
                yield Job(
                    data=word,
                    small=asked.small,
                    fold=fold.name,
                    method=kind.name,
                    extra=tuple(str(path.resolve()) for path in asked.method_file),
                    seed=seed,
                    seconds=asked.seconds if kind.learns else 0.0,
                    most_steps=asked.most_steps,
                    device=asked.device if kind.learns else "cpu",
                    threads=asked.threads,
                )


def ran(job: Job, data: Data) -> Record | Failure:
    """Start a process for a run, wait for it, and score what it left."""
    with tempfile.TemporaryDirectory(prefix="comparison-") as folder:
        place = Path(folder)
        (place / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
        command = [sys.executable, "-c", _START, folder]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            return Failure(job, done.stderr[-2000:])
        spent = Spent(**json.loads((place / "spent.json").read_text(encoding="utf-8")))
        fold = next(one for one in data.folds if one.name == job.fold)
        rows = [
            scored(case, place / f"{number}.npz", data.levels)
            for number, case in enumerate(fold.tests)
        ]
    return Record(
        data=data.name,
        fold=job.fold,
        method=job.method,
        seed=job.seed,
        seconds=job.seconds,
        steps=spent.steps,
        volumes=tuple(case.name for case in fold.tests),
        dice={str(k): rounded([row[level] for row in rows]) for level, k in enumerate(data.levels)},
        fit_s=round(spent.fit_s, 2),
        segment_s=[round(one, 3) for one in spent.segment_s],
        peak_mib=round(spent.peak_mib, 1),
        empty_mib=round(spent.empty_mib, 1),
        device=job.where,
        gpu_mib=round(spent.gpu_mib, 1),
    )


def run(word: str, data: Data, asked: argparse.Namespace, folder: Path) -> list[Failure]:
    """Run what has no line yet, several at a time; those that failed."""
    ledger = Ledger(folder / f"{data.name}.jsonl")
    there = {record.job for record in ledger.records()}
    every = found_methods(tuple(asked.method_file))
    methods = [every[name] for name in asked.methods or every]
    waiting = [
        job
        for job in jobs_of(word, data, methods, asked.seeds, asked)
        if (data.name, job.fold, job.method, job.seed, job.seconds, job.where) not in there
    ]
    print(f"{data.name}: {len(waiting)} runs to do, {len(there)} are there", flush=True)
    failures = []
    begun = time.perf_counter()
    with ThreadPoolExecutor(asked.jobs) as pool:
        futures = {pool.submit(ran, job, data): job for job in waiting}
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                found, job = future.result(), futures[future]
                if isinstance(found, Failure):
                    failures.append(found)
                    said = f"FAILED: {''.join(found.said.strip().splitlines()[-1:])}"
                else:
                    ledger.add(found)
                    said = _told(found)
                each = (time.perf_counter() - begun) / number
                left = f"about {each * (len(waiting) - number) / 60:.0f} min left"
                where = f"[{number}/{len(waiting)}] {data.name} {job.fold}".rstrip()
                print(f"{where} {job.method}, seed {job.seed}: {said}; {left}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return failures


def _told(record: Record) -> str:
    means = (np.mean([np.mean(row) for row in rows]) for rows in record.dice.values())
    dice = " / ".join(f"{one:.3f}" for one in means)
    return f"Dice {dice}, fit {record.fit_s:.0f} s, segment {np.mean(record.segment_s):.1f} s"


def written(data: Data, folder: Path, extra: tuple[Path, ...] = ()) -> str:
    """Write the page and the figure of data; the page."""
    records = Ledger(folder / f"{data.name}.jsonl").records()
    methods = found_methods(extra)
    known = [record for record in records if record.method in methods]
    text = page(data, methods, known)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{data.name}.md").write_text(text, encoding="utf-8")
    if known:
        figure(data, methods, known, folder / f"{data.name}.png")
    return text


def listed(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Print the methods, and the labels that each one uses."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality list")
    parser.add_argument("--method-file", type=Path, nargs="+", default=[], help="methods elsewhere")
    asked = parser.parse_args([] if smoke else given)
    lines = ["| method | what it is | labels | learns |", "|---|---|---|---|"]
    for name, kind in found_methods(tuple(asked.method_file)).items():
        learns = "yes" if kind.learns else "no"
        lines.append(f"| {name} | {kind.title} | {kind.labels} | {learns} |")
    text = "\n".join(lines)
    print(text)
    return text


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Run, and write the pages; ``smoke`` runs two methods on small volumes and keeps nothing.

    Raises:
        SystemExit: With 1 if a run failed; those that did not are kept.
    """
    asked = _asked([] if smoke else given)
    share_processors()
    if smoke:
        asked.methods, asked.small = list(_SMOKE_METHODS), True
        asked.data = list(ALL_PHANTOMS[:1])
        with tempfile.TemporaryDirectory() as folder:
            data = data_of(asked.data[0], small=True)
            assert not run(asked.data[0], data, asked, Path(folder))
            return written(data, Path(folder))
    every = found_methods(tuple(asked.method_file))
    unknown = sorted(set(asked.methods) - set(every))
    if unknown:
        sys.exit(f"--methods must be of {', '.join(every)}; got {', '.join(unknown)}.")
    try:
        sets = [(word, data_of(word, small=asked.small)) for word in asked.data]
    except ValueError as error:
        sys.exit(f"--data: {error}")
    failures = []
    for word, data in sets:
        if not asked.pages:
            failures += run(word, data, asked, asked.out)
    text = "\n".join(written(data, asked.out, tuple(asked.method_file)) for _, data in sets)
    print(text)
    for failure in failures:
        print(f"\n{failure.job.method} on {failure.job.data}: {failure.said}", file=sys.stderr)
    if failures:
        sys.exit(1)
    return text


def _asked(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality run")
    parser.add_argument(
        "--data",
        nargs="+",
        default=list(ALL_PHANTOMS),
        metavar="DATA",
        help="phantom-regular, phantom-irregular, phantom-texture, brats[:FOLDER], "
        "brats-flair[:FOLDER], folder:FOLDER",
    )
    parser.add_argument("--methods", nargs="+", default=[], metavar="NAME", help="all of them")
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=[0, 1], help="of methods that learn"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="of each training: CPU seconds, on a GPU those of the clock",
    )
    parser.add_argument("--most-steps", type=int, help="end trainings after so many steps")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument(
        "--device", default="cpu", help="of methods that learn: auto, cpu, cuda or cuda:N"
    )
    parser.add_argument("--method-file", type=Path, nargs="+", default=[], help="methods elsewhere")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of lines and pages")
    parser.add_argument("--pages", action="store_true", help="write pages of what is there only")
    parser.add_argument("--small", action="store_true", help="few and small phantoms, as a trial")
    return parser.parse_args(given)
