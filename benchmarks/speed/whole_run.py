"""Where the time of a whole run goes: ``python -m benchmarks.speed.whole_run``.

`gyrovox segment VOLUME --profile-run` with nothing given but the volume: it trains a model on it,
embeds it, builds its tree and writes its levels. By default the volume is a scan of 240 x 240 x 155
voxels of ``../shared/data``, which is not part of the repository.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from benchmarks.quality.real_volumes import DATA
from benchmarks.speed.interleaved import RESULTS
from benchmarks.speed.scale import watched
from gyrovox import io

SCAN = DATA / "mri_brats2013" / "pat0001" / "Flair_subtrMeanDivStd.nii.gz"
MOST_S = 600.0
"""How long the scan may take on two cores."""


def report(volume: Path, *, repeats: int, steps: int | None = None) -> str:
    """The whole page.

    Args:
        volume: What is segmented.
        repeats: How often.
        steps: Of training; None for those by default.

    Returns:
        Its text, with the profile of the run that took the middle time.
    """
    shape = "x".join(map(str, io.read(volume).spatial_shape))
    training = [] if steps is None else ["--training.steps", str(steps)]
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            words = ["segment", str(volume), "-o", folder, "--profile-run", "--quiet", *training]
            runs.append(watched(words))
    runs.sort(key=lambda run: run.seconds)
    middle = runs[len(runs) // 2]
    return "\n".join([
        "# A whole run on one scan",
        "",
        f"Written by `python -m benchmarks.speed.whole_run`. {shape} voxels (z, y, x), one "
        f"channel; `gyrovox segment VOLUME --profile-run`, training included, the whole "
        f"command; {torch.get_num_threads()} threads; torch {torch.__version__.split('+')[0]}.",
        "",
        f"A scan of 240 x 240 x 155 may take {MOST_S:.0f} s on two cores.",
        "",
        "| runs | seconds, middle (best, worst) | peak, MiB |",
        "|---|---|---|",
        f"| {repeats} | {middle.seconds:.0f} ({runs[0].seconds:.0f}, {runs[-1].seconds:.0f}) | "
        f"{max(run.peak_bytes for run in runs) / 2**20:,.0f} |",
        "",
        "```",
        middle.said.strip(),
        "```",
        "",
    ])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volume", type=Path, default=SCAN)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--remark", default="", help="a last line, on what else ran meanwhile")
    options = parser.parse_args()
    if not options.volume.exists():
        parser.error(f"the volume must be there, and {options.volume} is not; pass --volume.")
    text = report(options.volume, repeats=options.repeats)
    RESULTS.mkdir(exist_ok=True)
    remark = f"\n{options.remark}\n" if options.remark else ""
    (RESULTS / "whole-run.md").write_text(text + remark, encoding="utf-8")


if __name__ == "__main__":
    main()
