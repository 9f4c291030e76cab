"""How long a segmentation tree takes, and how much memory.

``python -m benchmarks.speed.tree`` writes ``benchmarks/speed/results/tree.md``. Features and tree
are timed apart, in one run; ratios are to reading a copy of the volume through a Gaussian of
sigma 1, measured beside each, so that a busy machine shows.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from gyrovox.clustering import build_tree
from gyrovox.patches import cartoon_and_texture
from gyrovox.volumes.phantom_cell import cell_phantom

RESULTS = Path(__file__).parent / "results"
SHAPES = ((50, 50, 50), (100, 100, 100))  # larger ones: see quality/real_volumes


def measure(shapes: tuple[tuple[int, int, int], ...] = SHAPES, repeats: int = 3) -> str:
    """A table of the least of several timings of each stage."""
    lines = [
        "# Segmentation trees: time and memory",
        "",
        "A cell phantom; least of several runs. Written by `python -m benchmarks.speed.tree`.",
        "",
        "| shape (z, y, x) | evidence | features, s | tree, s | in Gaussian filters of sigma 1 | "
        "peak memory so far, GiB |",
        "|---|---|---|---|---|---|",
    ]
    for shape in shapes:
        image = cell_phantom(3, shape=shape).image[None]
        voxels = np.ascontiguousarray(np.moveaxis(image, 0, -1))
        for texture in (False, True):
            times = []
            for _ in range(repeats):
                marks = [time.perf_counter()]
                features = cartoon_and_texture(image, texture=texture)
                marks.append(time.perf_counter())
                build_tree(features[..., :2], features, voxels, curvature=0.0)
                marks.append(time.perf_counter())
                ndimage.gaussian_filter(image[0], 1.0)
                marks.append(time.perf_counter())
                times.append(np.diff(marks))
            first, second, unit = np.min(times, axis=0)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            size = " x ".join(str(n) for n in shape)
            lines.append(
                f"| {size} | {'texture' if texture else 'intensity'} | {first:.2f} | {second:.2f} "
                f"| {(first + second) / unit:.0f} | {peak:.1f} |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    text = measure(repeats=parser.parse_args().repeats)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tree.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
