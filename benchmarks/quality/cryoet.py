"""Real tomograms: ``python -m benchmarks.quality cryoet``.

A microtubule beside a tube fitted to it, and the particles of DeepFinder's tomogram beside template
matching; before them, denoising of simulated tomograms beside their specimens. It reads
``../shared/data``, which is not part of the repository, and writes
``benchmarks/quality/results/cryoet.md``.
"""

import argparse
import resource
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.baselines import RESULTS
from benchmarks.quality.denoised_simulation import denoising_rows
from benchmarks.quality.macromolecules import particle_rows
from benchmarks.quality.microtubule import microtubule_rows
from gyrovox.devices import share_processors

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

_SIMULATED = """\
Tomograms of 48 x 96 x 96 voxels of 1.5 nm, 41 tilts, 120 electrons / Å², weighted \
back-projection without CTF correction; halves are the even and the odd images. The truth is the \
tomogram of the same images without noise. Correlation with it; peak signal to noise ratio, in \
dB, after the grey values were fitted to it by a line; spatial frequency, in 1 / nm, at which the \
Fourier shell correlation with it, over what was seen, falls below 0.5. Mean ± sd over {seeds} \
specimens."""

_TUBE = """\
`cryoet_real_microtubule/14pf_MT.mrc`, 44 x 136 x 84 voxels of 1.052 nm, dense matter bright. The \
reference is geometry: a straight tube with the wall of 14 protofilaments, {inner:.1f} to \
{outer:.1f} nm from an axis that was fitted to the grey values alone, as the pose at which the \
wall is brightest against lumen and surroundings. Found: centre (z, x) = ({z:.1f}, {x:.1f}) in \
the middle section, slopes {slope_z:+.3f} and {slope_x:+.3f}; mean grey value against distance \
from the axis peaks at {peak} voxels. `wall` is that hollow tube, `filled` the tube with its \
lumen. Dice of the best single node of the tree; of the best class of its cuts into k classes; \
and of the simple method, the same volume smoothed (Gaussian, 1.5 voxels) above the threshold \
that is best for it. The tree is that of `gyrovox segment` with default settings, which does not \
ask the codes: nothing random is in it. No halves exist of this tomogram: the Noise2Noise network \
learned from those of a simulated one."""

_LEARNED = """\
The same Dice with what is learned: trees of the codes (`--evidence codes`) and k-means of the \
codes, without and with `--training.missing-wedge -60 60`; mean ± sd over {seeds} seeds, {steps} \
steps each."""

_PARTICLES = """\
`cryoet_sim_deepfinder/tomo1`, 100³ voxels, simulated by others, very noisy: three particles each \
of nine classes. A particle counts as found if a candidate's centre is no farther than 5 voxels \
from its own, each candidate once. Candidates of a node are its connected components of at least \
20 voxels; of all nodes, the one with the best F1 for the class is taken, with the knowledge of \
the truth. For template matching (`gyrovox.particles`, turns of 30 degrees, voxels joined to 2) \
the template of a class is the mean of the sub-volumes of two of its particles, which are not \
turned to each other, and the third is looked for; each of the three once. Candidates are its \
peaks above the threshold with the best F1, again with the knowledge of the truth. `any` is the \
best node for particles of every class together. Mean over {seeds} seeds where codes are learned \
({steps} steps)."""


def page(*, small: bool, seeds: int, steps: int) -> list[str]:
    """Lines of the page."""
    lines = [
        "# Tomograms",
        "",
        "Written by `python -m benchmarks.quality cryoet`.",
        "",
        "## Denoising, simulated tomograms",
        "",
        _SIMULATED.format(seeds=1 if small else seeds),
        "",
        "| method | correlation | PSNR, dB | FSC 0.5 at, 1 / nm | s |",
        "|---|---|---|---|---|",
        *denoising_rows(seeds=1 if small else seeds, small=small),
    ]
    if not DATA.is_dir():
        return [*lines, "", "No real tomograms here: ../shared/data is absent.", ""]
    tube, shown, learned = microtubule_rows(DATA, seeds=seeds, steps=steps, small=small)
    lines += [
        "",
        "## A microtubule",
        "",
        _TUBE.format(**tube),
        "",
        "| denoised by | node, wall | node, filled | k = 2, wall | k = 4 | k = 8 | "
        "k = 2, filled | k = 4 | k = 8 | threshold, wall |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *shown,
        "",
        _LEARNED.format(seeds=seeds, steps=steps),
        "",
        "| | node, wall | node, filled | k = 2, wall | k = 4 | k = 8 |",
        "|---|---|---|---|---|---|",
        *learned,
        "",
        "## Particles",
        "",
        _PARTICLES.format(seeds=seeds, steps=steps),
        "",
        "Recall / precision:",
        "",
        "| class | " + " | ".join(str(one) for one in range(1, 10)) + " | mean recall | any |",
        "|---|" + "---|" * 11,
        *particle_rows(DATA, seeds=seeds, steps=steps, small=small),
    ]
    return lines


def main(given: Sequence[str] | None = None, *, smoke: bool = False) -> str:
    """Measure and write the page; ``smoke`` runs on small crops and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality cryoet")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of what is learned")
    parser.add_argument("--steps", type=int, default=200, help="of every training")
    asked = parser.parse_args([] if smoke else given)
    share_processors()
    lines = page(small=smoke, seeds=1 if smoke else asked.seeds, steps=1 if smoke else asked.steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    text = "\n".join([*lines, "", f"Peak memory of the whole run: {peak:.1f} GiB."]) + "\n"
    if not smoke:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "cryoet.md").write_text(text, encoding="utf-8")
    return text
