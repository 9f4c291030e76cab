"""Starting is fast: no torch before there is work for it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import gyrovox

PACKAGE = Path(gyrovox.__file__).parent
SCRIPT = Path(sysconfig.get_path("scripts")) / "gyrovox"
HEAVY = ("torch", "sklearn", "skimage", "matplotlib", "scipy", "zarr", "nibabel")


def _least_work(command: list[str], runs: int = 5) -> float:
    """Processor seconds of the cheapest of a few runs; wall time measures other programs too."""
    times = []
    for _ in range(runs):
        start = _spent_by_children()
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "COLUMNS": "100"}
        )
        times.append(_spent_by_children() - start)
    return min(times)


def _spent_by_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


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
    bare = _least_work([sys.executable, "-c", "pass"])
    assert _least_work([sys.executable, "-c", "import gyrovox"]) - bare < 0.2


@pytest.mark.parametrize(
    "package",
    ["errors", "devices", "progress", "execution", "settings", "volumes", "io", "evaluation"],
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
    assert _least_work([str(SCRIPT), "--help"]) < 0.6
