"""`benchmarks` is no part of the installed package, so its folder has to be found first."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
