"""Segmenting volumes of any size: ``python -m benchmarks.speed.scale --sizes 64 128 256``.

Cell phantoms are written as OME-Zarr by `gyrovox phantom`, and segmented by `gyrovox segment` with
a trained model and two workers of one thread each: the whole command, as a user runs it, from its
start to its end. Memory is that of all its processes together, added up five times a second. What
`gyrovox plan` predicts stands beside what came. The phantoms take 4 bytes of disk a voxel, and the
run as much again.
"""

import argparse
import itertools
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.speed import embedding
from benchmarks.speed.interleaved import RESULTS
from gyrovox import io
from gyrovox.pipeline import Plan, Trial, machine_at, measured_costs, planned
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.settings import configuration
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

Shape = tuple[int, int, int]

SHAPES: tuple[Shape, ...] = (
    (64, 64, 64),
    (128, 128, 128),
    (256, 256, 256),
    (512, 512, 512),
    (512, 1024, 1024),
    (1024, 1024, 1024),
)
"""Sizes by default; the last two take an hour and a half."""

LEVELS = (2, 4, 8)
_POLL_S = 0.2
_TILED = 10_000_000  # voxels above which there are tiles
_MANY_TILED = 512**3
_MI_B = 2**20


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one command took."""

    seconds: float
    """Wall time from its start to its end."""

    peak_bytes: int
    """Most memory that its processes held together."""

    said: str
    """What it wrote on its standard output."""


def watched(words: Sequence[str]) -> Run:
    """Run a gyrovox command, and watch its memory and that of all it starts."""
    command = [sys.executable, "-m", "gyrovox", *words]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Files, not pipes: those would fill up, as nobody reads them meanwhile.
        process = subprocess.Popen(command, stdout=out, stderr=err)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(_POLL_S)
        seconds = time.perf_counter() - begin
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {err.read().decode()}")
        return Run(seconds=seconds, peak_bytes=peak, said=out.read().decode())


def tree_bytes(root: int) -> int:
    """Resident memory of a process and of all that came from it, in bytes; 0 without /proc."""
    found: dict[int, tuple[int, int]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text(encoding="ascii", errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        parent = re.search(r"^PPid:\s*(\d+)", text, re.MULTILINE)
        resident = re.search(r"^VmRSS:\s*(\d+)", text, re.MULTILINE)
        if parent and resident:
            found[int(status.parent.name)] = (int(parent[1]), 1024 * int(resident[1]))
    family, grew = {root}, True
    while grew:
        more = {one for one, (parent, _) in found.items() if parent in family}
        grew = not more <= family
        family |= more
    return sum(found[one][1] for one in family if one in found)


def phantom(shape: Shape, folder: Path) -> tuple[Path, Run]:
    """A cell phantom on the disk, and what it took to write it."""
    target = folder / name_of(shape)
    sides = map(str, shape)
    words = ["phantom", "cell", "-o", str(target), "--seed", "200", "--shape", *sides]
    done = watched([*words, "--suffix", ".ome.zarr", "--quiet"])
    return target / "volume-000.ome.zarr", done


def trained(model: Path) -> Path:
    """A model that has seen a small phantom for a few steps, in a file."""
    settings = configuration("default")
    settings = replace(settings, training=replace(settings.training, steps=20))
    seen = Volume.from_array(cell_phantom(200, shape=(32, 32, 32)).image)
    HierarchicalSegmenter(settings, quiet=True).fit(seen).save(model)
    return model


def segmented(volume: Path, model: Path, workers: int) -> Run:
    """Segment a volume with so many workers of one thread each."""
    with tempfile.TemporaryDirectory(dir=volume.parent) as target:
        words = ["segment", str(volume), "-m", str(model), "-o", target, "--quiet"]
        shared = ["--workers", str(workers), "--threads", str(workers), "--profile-run"]
        levels = ["--levels", *map(str, LEVELS)]
        return watched([*words, *shared, *levels])


def foreseen(volume: Path, model: Path, workers: int) -> Plan:
    """What `gyrovox plan` says of the same command."""
    opened = io.read(volume)
    trial = Trial(
        volume=opened,
        model=model,
        configuration=HierarchicalSegmenter.load(model, quiet=True).configuration_,
        threads=workers,
        workers=workers,
    )
    with tempfile.TemporaryDirectory() as folder:
        costs = measured_costs(trial, Path(folder))
    machine = machine_at(volume)
    shape = opened.spatial_shape
    return planned(costs, shape, machine, files=len(LEVELS) + 1, results_bytes=0, workers=workers)


def slope(voxels: Sequence[int], seconds: Sequence[float]) -> float:
    """Exponent of a power law through times: 1 where time is linear in voxels."""
    if len(voxels) < 2:
        return math.nan
    return float(np.polyfit(np.log(voxels), np.log(seconds), 1)[0])


def report(shapes: Sequence[Shape], folder: Path, *, repeats: int = 5, side: int = 50) -> str:
    """The whole page; what it needs is written into a folder."""
    model = trained(folder / "model.safetensors")
    lines = [
        "# Segmenting volumes of any size",
        "",
        "Written by `python -m benchmarks.speed.scale`. Cell phantoms as OME-Zarr, float32, one "
        "channel; `gyrovox segment -m MODEL --workers 2`, one thread each, the whole command; "
        f"torch {torch.__version__.split('+')[0]}. In brackets: what `gyrovox plan` says before.",
        "",
        "| shape (z, y, x) | voxels | phantom, s (MiB) | segment, s | voxels/s | peak, all "
        "processes, MiB |",
        "|---|---|---|---|---|---|",
    ]
    times: dict[Shape, float] = {}
    profiles: list[str] = []
    for shape in shapes:
        volume, made = phantom(shape, folder)
        plan = foreseen(volume, model, 2)
        done = segmented(volume, model, 2)
        times[shape] = done.seconds
        voxels = math.prod(shape)
        lines.append(
            f"| {name_of(shape)} | {voxels:,} | {made.seconds:.1f} "
            f"({made.peak_bytes / _MI_B:,.0f}) | {done.seconds:.1f} ({plan.total_s:.1f}) | "
            f"{voxels / done.seconds:,.0f} | {done.peak_bytes / _MI_B:,.0f} "
            f"({plan.peak_bytes / _MI_B:,.0f}) |"
        )
        print(lines[-1], done.said, sep="\n", flush=True)  # long runs are looked at meanwhile
        profiles += ["", f"{name_of(shape)}:", "", "```", done.said.strip(), "```"]
    lines += ["", *_notes(times, folder, model), *_embedding_note(side, repeats)]
    return "\n".join([*lines, "", "Where the time went:", *profiles]) + "\n"


def _notes(times: dict[Shape, float], folder: Path, model: Path) -> list[str]:
    """What follows from the table: the slopes, and what the second worker is good for."""
    notes = []
    tiled = [shape for shape in times if math.prod(shape) > _TILED]
    many = [shape for shape in tiled if math.prod(shape) >= _MANY_TILED]
    for what, some in (
        ("all sizes", list(times)),
        ("sizes that are cut into tiles", tiled),
        ("sizes of 64 tiles and more, where starting up no longer counts", many),
    ):
        if len(some) > 1:
            power = slope([math.prod(shape) for shape in some], [times[one] for one in some])
            notes.append(f"- Time grows as voxels to the power of {power:.2f}, over {what}.")
    for one, other in itertools.pairwise(times):
        more = math.prod(other) / math.prod(one)
        notes.append(
            f"- {name_of(other)} is {more:.1f} times {name_of(one)}, and takes "
            f"{times[other] / times[one]:.1f} times as long."
        )
    compared = min(tiled or times, key=math.prod)
    if math.prod(compared) > _MANY_TILED:
        return notes
    alone = segmented(folder / name_of(compared) / "volume-000.ome.zarr", model, 1)
    notes.append(
        f"- {name_of(compared)}: two workers are {alone.seconds / times[compared]:.2f} times as "
        f"fast as one ({alone.seconds:.1f} s, {alone.peak_bytes / _MI_B:,.0f} MiB)."
    )
    return notes


def _embedding_note(side: int, repeats: int) -> list[str]:
    """Dense embedding against the published network, patch by patch; more in embedding.md."""
    torch.set_num_threads(1)
    table, voxels = embedding.measure(side, 64, repeats)
    rates = {row.name: voxels[row.name] / row.median_s for row in table.rows}
    return [
        f"- Dense embedding of {side}^3 gives {rates[embedding.DENSE]:,.0f} codes a second on one "
        f"thread, {rates[embedding.DENSE] / rates[embedding.SINGLE]:,.0f} times as many as the "
        f"published network patch by patch (more in embedding.md)."
    ]


def name_of(shape: Shape) -> str:
    """A shape as tables have it."""
    return "x".join(map(str, shape))


def shape_of(word: str) -> Shape:
    """The shape that a word on the command line means: `64`, or `512x1024x1024`."""
    sides = [int(side) for side in word.split("x")]
    z, y, x = sides * 3 if len(sides) == 1 else sides
    return z, y, x


def main(
    shapes: Sequence[Shape], folder: Path | None, *, page: str, remark: str, smoke: bool
) -> None:
    """Measure, print and write the page; with `smoke`, run every line, small, and write nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        if smoke:
            print(report([(24, 24, 24)], Path(place), repeats=2, side=12))
            return
        text = report(shapes, Path(place))
    if remark:
        title, rest = text.split("\n", 1)
        text = f"{title}\n\n{remark}\n{rest}"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{page}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="run once, small, and write nothing")
    parser.add_argument("--sizes", nargs="+", type=shape_of, default=SHAPES, metavar="SIDE|ZxYxX")
    parser.add_argument("--folder", type=Path, help="where there is room for the volumes")
    parser.add_argument("--page", default="scale", help="name of the page in results/")
    parser.add_argument("--remark", default="", help="what has to be said before the table")
    chosen = parser.parse_args()
    main(
        chosen.sizes,
        chosen.folder,
        page=chosen.page,
        remark=chosen.remark,
        smoke=chosen.smoke,
    )
