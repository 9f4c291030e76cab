"""The record of a run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from gyrovox.report import write_run_record
from gyrovox.report.run_record import peak_memory_mib, versions
from gyrovox.volumes import Volume


def test_it_says_what_was_done_with_what_and_what_it_took(tmp_path):
    volume = Volume.from_array(
        np.zeros((2, 3, 4), np.int16), voxel_size_nm=(2.0, 1.0, 1.0), name="scan"
    )
    write_run_record(
        tmp_path / "run.json",
        command="segment",
        settings={"seed": 3, "levels": [2, 4], "model_file": Path("m.safetensors")},
        volumes=[volume],
        timings_s={"train": 1.23456},
    )
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["command"] == "segment"
    assert record["seed"] == 3
    assert record["model_file"] == "m.safetensors"
    assert record["timings_s"] == {"train": 1.235}
    assert record["inputs"] == [
        {
            "name": "scan",
            "path": None,
            "shape": [1, 2, 3, 4],
            "axes": "channel z y x",
            "dtype": "int16",
            "voxel_size_nm": [2.0, 1.0, 1.0],
        }
    ]
    assert record["versions"].keys() >= {"gyrovox", "python", "torch", "numpy"}
    assert record["peak_memory_mib"]["ram"] > 10


def test_versions_are_those_of_what_is_installed():
    assert versions()["numpy"] == np.__version__


def test_the_peak_of_memory_never_falls():
    before = peak_memory_mib()["ram"]
    block = np.ones(2**23)
    after = peak_memory_mib()["ram"]
    assert block.sum() > 0
    assert after >= before


def test_the_record_itself_loads_no_torch():
    code = (
        "import sys; from gyrovox.report.run_record import peak_memory_mib, versions\n"
        "versions(), peak_memory_mib(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
