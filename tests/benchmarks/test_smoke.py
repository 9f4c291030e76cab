"""Every benchmark's code runs, on next to nothing, untimed, writing nothing."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from benchmarks.quality import accuracy, baselines, phantom, real_volumes
from benchmarks.quality import kmeans as kmeans_quality
from benchmarks.quality.__main__ import COMMANDS
from benchmarks.speed import (
    embedding,
    explorer,
    gpu,
    gyroplane,
    kmeans,
    scale,
    tomography,
    tree,
    whole_run,
)

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def scaled() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return scale.report([(24, 24, 24)], Path(folder), repeats=2, side=12)


def ran_whole() -> str:
    with tempfile.TemporaryDirectory() as folder:
        scale.watched(["phantom", "cell", "-o", folder, "--shape", "24", "24", "24"])
        return whole_run.report(Path(folder) / "volume-000.mrc", repeats=1, steps=3)


def explored() -> str:
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium, and it is not installed: apt-get install chromium")
    return explorer.report([24], openings=1, changes=1, steps=3)


def tomographed() -> str:
    pytest.importorskip("torch_fourier_slice", reason="needs torch-fourier-slice, of the dev extra")
    return tomography.report(16, repeats=2, threads=1)


SMOKE: dict[str, Callable[[], str]] = {
    "speed/scale.py": scaled,
    "speed/explorer.py": explored,
    "speed/whole_run.py": ran_whole,
    "speed/embedding.py": lambda: embedding.report(12, 4, 2, [1]),
    "quality/__main__.py": lambda: "\n".join(run(smoke=True) for run in COMMANDS.values()),
    "quality/accuracy.py": lambda: accuracy.report(2, rooms=(1e-2,)),
    "quality/kmeans.py": lambda: kmeans_quality.table(40, seeds=1, starts=1),
    "quality/phantom.py": lambda: phantom.main(smoke=True),
    "quality/real_volumes.py": lambda: real_volumes.main(smoke=True),
    "speed/tree.py": lambda: tree.measure(((24, 24, 24),), repeats=1),
    "quality/baselines.py": lambda: baselines.table("regular", range(2), baselines.SMALL),
    "speed/gyroplane.py": lambda: gyroplane.report(100, 4, 2, torch.device("cpu")),
    "speed/gpu.py": lambda: gpu.report(gpu.SMALL, torch.device("cpu")),
    "speed/tomography.py": tomographed,
    "speed/kmeans.py": lambda: kmeans.measure(1000, 2, 3, [1], repeats=1),
}


@pytest.mark.parametrize("benchmark", SMOKE)
def test_a_benchmark_gives_a_table(benchmark):
    assert "|---|" in SMOKE[benchmark]()


def test_every_benchmark_is_run():
    found = {
        str(path.relative_to(BENCHMARKS))
        for path in BENCHMARKS.rglob("*.py")
        if "__main__" in path.read_text(encoding="utf-8")
    }
    assert found == set(SMOKE), "give each benchmark a line in SMOKE"
