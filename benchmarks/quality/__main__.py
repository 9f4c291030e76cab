"""``python -m benchmarks.quality NAME``: runs one benchmark of quality; alone, names them."""

import sys

from benchmarks.quality import ablation, averaging, cryoet, detection, real, spikes
from benchmarks.quality.comparison import run

COMMANDS = {
    "ablation": ablation.main,
    "averaging": averaging.main,
    "cryoet": cryoet.main,
    "detection": detection.main,
    "list": run.listed,
    "real": real.main,
    "run": run.main,
    "spikes": spikes.main,
}


def main() -> None:
    """Run what was asked for, with the rest of the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        sys.exit(f"python -m benchmarks.quality must name one of: {', '.join(COMMANDS)}.")
    COMMANDS[name](sys.argv[2:])


if __name__ == "__main__":
    main()
