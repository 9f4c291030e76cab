"""Starting is fast: no torch before there is work for it."""

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
SCRIPT = Path(sysconfig.get_path("scripts")) / "gyrovox"
HEAVY = ("torch", "sklearn", "skimage", "matplotlib", "scipy", "zarr", "nibabel")


def _fastest(command: list[str], runs: int = 5) -> float:
    """Seconds of the fastest of a few runs: the others measure what else the machine does."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "COLUMNS": "100"}
        )
        times.append(time.perf_counter() - start)
    return min(times)


def _modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; sys.stderr.write('\\n'.join(sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {name.split(".")[0] for name in done.stderr.splitlines()}


def test_importing_loads_no_torch_and_takes_less_than_a_fifth_of_a_second():
    assert not _modules_after("import gyrovox") & set(HEAVY)
    bare = _fastest([sys.executable, "-c", "pass"])
    assert _fastest([sys.executable, "-c", "import gyrovox"]) - bare < 0.2


@pytest.mark.parametrize(
    "package", ["errors", "devices", "progress", "settings", "volumes", "io", "evaluation"]
)
def test_a_layer_that_needs_no_torch_loads_none(package):
    assert "torch" not in _modules_after(f"import gyrovox.{package}")


def test_help_loads_no_torch():
    code = (
        "import sys; sys.argv = ['gyrovox', '--help']\n"
        "from gyrovox.cli import main\n"
        "try:\n    main()\nexcept SystemExit as leave:\n    assert not leave.code"
    )
    assert "torch" not in _modules_after(code)


def test_help_takes_less_than_six_tenths_of_a_second():
    assert _fastest([str(SCRIPT), "--help"]) < 0.6
