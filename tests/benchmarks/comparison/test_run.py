"""The comparison's run: scored beside the truth, resumed, and honest about what failed."""

import argparse
import json
import subprocess
import traceback
from pathlib import Path

import numpy as np
import pytest
from benchmarks.quality.comparison import job, run
from benchmarks.quality.comparison.data import data_of

from gyrovox import io
from gyrovox.volumes import Volume

METHOD = '''
"""A method for this test."""
import numpy as np
from benchmarks.quality.comparison.method import Method

class Sees(Method):
    name = "sees"
    title = "says what it was given"
    labels = "all"
    uses_truths = True

    def fit(self, volumes, truths=None):
        self.ks = [sorted(one) for one in truths]
        for step in self.budget.steps():
            pass

    def segment(self, volume, levels):
        bright = volume.read()[0] > 0.5
        return {k: bright.astype(int) for k in levels}

class Breaks(Method):
    name = "breaks"
    title = "gives three labels where two are asked for"
    learns = False

    def segment(self, volume, levels):
        three = np.arange(volume.read()[0].size).reshape(volume.spatial_shape) % 3
        return dict.fromkeys(levels, three)
'''


@pytest.fixture
def folder(tmp_path):
    """Two volumes with one bright half each, and what the halves are."""
    (tmp_path / "pairs/volumes").mkdir(parents=True)
    (tmp_path / "pairs/truths").mkdir()
    for name, side in (("a", 4), ("b", 6)):
        halves = np.zeros((8, 9, 10), np.float32)
        halves[:, :side] = 1
        volume = Volume.from_array(halves)
        io.write(volume, tmp_path / f"pairs/volumes/{name}.mrc")
        classes = halves.astype(np.uint16) * 7
        io.write_labels(classes, tmp_path / f"pairs/truths/{name}.mrc", like=volume)
    (tmp_path / "own.py").write_text(METHOD, encoding="utf-8")
    return tmp_path


def asked(folder, *methods, **more):
    words = ["--data", f"folder:{folder / 'pairs'}", "--out", str(folder / "out"), "--jobs", "1"]
    words += ["--method-file", str(folder / "own.py"), "--methods", *methods]
    for option, value in more.items():
        words += [f"--{option.replace('_', '-')}", *map(str, np.atleast_1d(value))]
    return words


@pytest.fixture
def few_processes(monkeypatch):
    """A process of its own for the first run of each method; others are done in this one."""
    start, seen = subprocess.run, set()

    def started(command, **options):
        place = Path(command[-1])
        method = json.loads((place / "job.json").read_text(encoding="utf-8"))["method"]
        if method not in seen:
            seen.add(method)
            return start(command, **options)
        try:
            job.main(place)
        except ValueError:
            return subprocess.CompletedProcess(command, 1, stderr=traceback.format_exc())
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(run.subprocess, "run", started)


@pytest.mark.usefixtures("few_processes")
def test_runs_are_scored_those_that_break_are_told_and_none_is_done_twice(folder, capsys):
    with pytest.raises(SystemExit, match="1"):
        run.main(asked(folder, "breaks", "sees", seeds=[0], most_steps=2))
    told = capsys.readouterr()
    assert "at most 2 values" in told.err
    assert "| says what it was given | CPU | all | 1.000 ± 0.000 |" in told.out
    assert "gives three labels" not in told.out
    lines = (folder / "out/pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2  # folds
    first = json.loads(lines[0])
    assert first["steps"] == 2
    assert first["dice"] == {"2": [[1.0, 1.0]]}
    assert first["peak_mib"] >= first["empty_mib"] > 50
    assert (folder / "out/pairs.png").stat().st_size > 10_000
    # The last line is cut off, as by a kill: that one run is done again, and nothing else.
    kept = "\n".join(lines)[:-20]
    (folder / "out/pairs.jsonl").write_text(kept, encoding="utf-8")
    assert "1.000 ± 0.000" in run.main(asked(folder, "sees", seeds=[0], most_steps=2))
    assert "1 runs to do, 1 are there" in capsys.readouterr().out
    again = (folder / "out/pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert again[:-1] == lines[:-1]
    assert json.loads(again[-1])["dice"] == json.loads(lines[-1])["dice"]
    # A run on a GPU is another run, and a row of its own.
    there = {**first, "device": "cuda", "gpu_mib": 77.0, "dice": {"2": [[0.5, 0.5]]}}
    with (folder / "out/pairs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(there) + "\n")
    page = run.main([*asked(folder, "sees"), "--pages"])
    assert "| says what it was given | CPU | all | 1.000 ± 0.000 |" in page
    assert "| says what it was given | GPU | all | 0.500 ± 0.000 |" in page
    assert " + 77 |" in page


def test_painted_voxels_are_not_scored(folder):
    case = data_of(f"folder:{folder / 'pairs'}").folds[0].tests[0]
    truth = case.truth()[2]
    wrong = truth.copy()
    wrong[0] = 1 - wrong[0]
    np.savez(folder / "0.npz", painted=np.zeros(truth.shape, bool), **{"2": wrong})
    assert max(run.scored(case, folder / "0.npz", (2,))[0]) < 0.95
    first = np.zeros(truth.shape, bool)
    first[0] = True
    np.savez(folder / "0.npz", painted=first, **{"2": wrong})
    assert run.scored(case, folder / "0.npz", (2,)) == [[1.0, 1.0]]


def test_an_unknown_method_or_data_is_told_at_once(folder):
    with pytest.raises(SystemExit, match=r"--methods must be of .*got nonsense"):
        run.main(asked(folder, "nonsense"))
    with pytest.raises(SystemExit, match=r"data must be phantom-regular"):
        run.main(["--data", "phantom-odd"])


def test_seeds_beyond_the_first_are_of_methods_that_learn(folder):
    data = data_of(f"folder:{folder / 'pairs'}")
    every = run.found_methods((folder / "own.py",))
    given = argparse.Namespace(
        small=False, method_file=[], seconds=5.0, most_steps=None, device="cuda", threads=1
    )
    jobs = list(run.jobs_of("x", data, [every["breaks"], every["sees"]], [0, 1], given))
    assert [(one.method, one.seed) for one in jobs] == [
        *[("breaks", 0)] * 2,
        *[("sees", 0)] * 2,
        *[("sees", 1)] * 2,
    ]
    assert [one.device for one in jobs] == ["cpu"] * 2 + ["cuda"] * 4


def test_methods_are_listed_with_the_labels_they_use(folder):
    text = run.listed(["--method-file", str(folder / "own.py")])
    assert "| sees | says what it was given | all | yes |" in text
    assert "| kmeans-voxels | k-means on voxels | none | no |" in text
