"""`python -m gyrovox`."""

import subprocess
import sys


def test_the_module_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "gyrovox", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("gyrovox ")
