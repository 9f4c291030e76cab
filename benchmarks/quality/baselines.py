"""What a user can have for nothing: simple methods that a learned one has to beat.

Run it to measure them: ``python -m benchmarks.quality.baselines --variant regular``. It writes
``benchmarks/quality/results/baselines-<variant>.md``.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle

from benchmarks.quality.methods.gaussian_mixture import mixed
from benchmarks.quality.methods.kmeans_voxels import clustered
from benchmarks.quality.simple_trees import band_variances, region_classes
from gyrovox.evaluation import evaluate
from gyrovox.volumes.phantom_cell import Variant, cell_phantom

TEST_SEEDS = range(1000, 1020)
"""Phantoms that nothing may be tuned on; 0 to 999 are for development."""

Shape = tuple[int, int, int]

SHAPE: Shape = (50, 50, 50)
"""Voxels of a phantom (z, y, x)."""

SMALL: Shape = (20, 20, 20)
"""Those of a smoke run, which only shows that the code runs."""

CLASSES = (2, 4, 8)
"""Clusters at levels 1, 2, 3."""

Labels = dict[int, NDArray[np.int64]]
Baseline = Callable[[NDArray[np.float32], Sequence[int]], Labels]

RESULTS = Path(__file__).parent / "results"


def kmeans_voxels(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """Cluster the intensities of the voxels; image and labels (z, y, x)."""
    return _kmeans(image[..., None], levels)


def kmeans_gaussian(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """Cluster the intensities after a Gaussian of sigma 1 voxel; image and labels (z, y, x)."""
    return _kmeans(ndimage.gaussian_filter(image, 1.0)[..., None], levels)


def mixture_gaussian(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """Fit k normal laws to the same smoothed intensities; image and labels (z, y, x)."""
    values = ndimage.gaussian_filter(image, 1.0).reshape(-1, 1)
    return {k: mixed(values, k, 0).reshape(image.shape) for k in levels}


def kmeans_total_variation(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """Cluster the intensities after TV denoising of weight 0.3; image and labels (z, y, x)."""
    return _kmeans(denoise_tv_chambolle(image, weight=0.3)[..., None], levels)


def mumford_shah(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """The same denoising, a Mumford-Shah tree cut at 8 regions, weighted Ward on means."""
    smooth = denoise_tv_chambolle(image, weight=0.3)
    return region_classes(image[..., None], smooth[..., None], levels)


def kmeans_band_variances(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """k-means on three band-pass local variances."""
    return _kmeans(band_variances(image[None]), levels)


def mumford_shah_band_variances(image: NDArray[np.float32], levels: Sequence[int]) -> Labels:
    """The same tree on three band-pass local variances."""
    features = band_variances(image[None])
    return region_classes(features, features, levels)


BASELINES: dict[str, Baseline] = {
    "k-means on voxels": kmeans_voxels,
    "k-means on a Gaussian (sigma 1)": kmeans_gaussian,
    "Gaussian mixture, Gaussian (sigma 1)": mixture_gaussian,
    "k-means on TV denoising (weight 0.3)": kmeans_total_variation,
    "TV (0.3), Mumford-Shah tree at 8 regions, Ward": mumford_shah,
    "k-means on three band-pass variances": kmeans_band_variances,
    "Mumford-Shah tree on the band-pass variances": mumford_shah_band_variances,
}


def measure(
    baseline: Baseline, variant: Variant, seeds: range = TEST_SEEDS, shape: Shape = SHAPE
) -> tuple[NDArray[np.float64], float]:
    """Mean Dice, shape (volumes, levels), and seconds per volume for all levels."""
    scores = np.empty((len(seeds), len(CLASSES)))
    spent = 0.0
    for row, seed in enumerate(seeds):
        phantom = cell_phantom(seed, shape=shape, variant=variant)
        start = time.perf_counter()
        labels = baseline(phantom.image, CLASSES)
        spent += time.perf_counter() - start
        for level, k in enumerate(CLASSES):
            scores[row, level] = evaluate(labels[k], phantom.truths[level]).mean_dice
    return scores, spent / len(seeds)


def table(variant: Variant, seeds: range = TEST_SEEDS, shape: Shape = SHAPE) -> str:
    """Markdown: mean ± sd of the Dice of every baseline on the same volumes."""
    lines = [
        f"# Simple methods on the cell phantom, variant `{variant}`",
        "",
        f"Mean Dice over classes, background included, mean ± sd over {len(seeds)} volumes "
        f"(seeds {seeds[0]} to {seeds[-1]}); k = 2, 4, 8 against levels 1, 2, 3. "
        "Written by `python -m benchmarks.quality.baselines`.",
        "",
        "| method | level 1 | level 2 | level 3 | seconds per volume |",
        "|---|---|---|---|---|",
    ]
    for name, baseline in BASELINES.items():
        scores, seconds = measure(baseline, variant, seeds, shape)
        spread = zip(scores.mean(axis=0), scores.std(axis=0, ddof=1), strict=True)
        cells = " | ".join(f"{mean:.3f} ± {sd:.3f}" for mean, sd in spread)
        lines.append(f"| {name} | {cells} | {seconds:.1f} |")
    return "\n".join(lines) + "\n"


def _kmeans(features: NDArray[np.floating], levels: Sequence[int]) -> Labels:
    """Cluster features (z, y, x, features) for every level."""
    points = features.reshape(-1, features.shape[-1])
    return {k: clustered(points, k, 0).reshape(features.shape[:3]) for k in levels}


def main() -> None:
    """Measure all baselines on the test volumes of one variant and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=get_args(Variant), default="regular")
    variant = parser.parse_args().variant
    RESULTS.mkdir(exist_ok=True)
    text = table(variant)
    (RESULTS / f"baselines-{variant}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
