"""Makes the laws importable: tests are no packages."""

import sys
from pathlib import Path

LAWS = str(Path(__file__).resolve().parents[1] / "laws")
if LAWS not in sys.path:
    sys.path.append(LAWS)
