"""A real microtubule: what nodes, cuts and a threshold have in common with a fitted tube."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.quality.denoised_simulation import FILTERS, simulated
from benchmarks.quality.microtubule_axis import Tube, fitted_tube
from benchmarks.quality.real_volumes import tree_of
from gyrovox import HierarchicalSegmenter, io
from gyrovox.evaluation import oracle_dice
from gyrovox.settings import SegmentationSettings, configuration
from gyrovox.settings.denoising import Noise2NoiseSettings
from gyrovox.tomography.denoising import denoise, train_noise2noise
from gyrovox.volumes import Volume

CUTS = (2, 4, 8)
TILTS = (-60.0, 60.0)
"""The range that the power spectrum of the tomogram shows."""

_MEAN_NM, _HALF_WALL_NM = 10.5 * 14 / 13, 2.0
"""A 13-protofilament wall from 8.5 to 12.5 nm, moved out by the fourteenth."""

_SMALL = 16  # voxels along the tube of the crop of a smoke run, which tries one filter


def microtubule_rows(
    data: Path, *, seeds: int, steps: int, small: bool
) -> tuple[dict[str, float], list[str], list[str]]:
    """What was fitted, rows of the default pipeline, and rows of what is learned."""
    volume = io.read(data / "cryoet_real_microtubule" / "14pf_MT.mrc")
    voxels = volume.read()[0].astype(np.float32)
    if small:
        voxels = voxels[:, 48 : 48 + _SMALL, 10:74]
    size = 1.052
    inner, outer = ((_MEAN_NM + side * _HALF_WALL_NM) / size for side in (-1, 1))
    tube, profile = fitted_tube(voxels, inner=inner, outer=outer)
    said = {
        "inner": inner * size,
        "outer": outer * size,
        "z": tube.centre[0],
        "x": tube.centre[1],
        "slope_z": tube.slope[0],
        "slope_x": tube.slope[1],
        "peak": int(profile.argmax()),
    }
    named = Volume.from_array(voxels, voxel_size_nm=(size, size, size), name="microtubule")
    shown = list(_default_rows(named, tube, small=small))
    return said, shown, list(_learned_rows(named, tube, seeds=seeds, steps=steps))


def _default_rows(volume: Volume, tube: Tube, *, small: bool) -> Iterator[str]:
    for name, voxels in _denoised(volume, small=small):
        tree, _ = tree_of(voxels[None], texture=True)
        nodes = [_best_node(tree.leaves, tree.parents, mask) for mask in _masks(tube, voxels)]
        cuts = [
            [_best_class(tree.cut(k).labels, mask) for k in CUTS] for mask in _masks(tube, voxels)
        ]
        wall = _masks(tube, voxels)[0]
        values = [*nodes, *cuts[0], *cuts[1], _best_threshold(voxels, wall)]
        yield _said(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")


def _denoised(volume: Volume, *, small: bool) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The tomogram as it is, and denoised in every way."""
    yield "nothing", volume.read()[0]
    for name, way in list(FILTERS.items())[: 1 if small else None]:
        yield name, denoise(volume, way)
    if small:
        return
    halves = simulated(7200).halves
    network = train_noise2noise(halves, Noise2NoiseSettings(), seed=0)
    # Dense matter is dark in what the network has seen.
    dark = Volume.from_array(-volume.read()[0], voxel_size_nm=volume.voxel_size_nm)
    yield "Noise2Noise of a simulated tomogram", -denoise(dark, network)


def _learned_rows(volume: Volume, tube: Tube, *, seeds: int, steps: int) -> Iterator[str]:
    base = configuration("default")
    wall, filled = _masks(tube, volume.read()[0])
    for wedge in (None, TILTS):
        training = replace(base.training, steps=steps, missing_wedge=wedge)
        scores: dict[str, list[list[float]]] = {"tree": [], "k-means": []}
        for seed in range(seeds):
            settings = replace(
                base, training=training, segmentation=SegmentationSettings(evidence="codes")
            )
            segmenter = HierarchicalSegmenter(settings, seed=seed, quiet=True).fit(volume)
            found = segmenter.segment(volume, levels=CUTS)
            tree = found.tree
            assert tree is not None
            nodes = [_best_node(tree.leaves, tree.parents, mask) for mask in (wall, filled)]
            scores["tree"].append([*nodes, *(_best_class(found.levels[k], wall) for k in CUTS)])
            # The same codes, clustered without a tree.
            by_means = SegmentationSettings(clustering="kmeans")
            segmenter.configuration_ = replace(settings, segmentation=by_means)
            levels = segmenter.segment(volume, levels=CUTS).levels
            classes = [_best_class(levels[k], wall) for k in CUTS]
            scores["k-means"].append([math.nan, math.nan, *classes])
        for how, rows in scores.items():
            mean, sd = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=min(1, seeds - 1))
            cells = [
                "—" if math.isnan(m) else f"{m:.3f} ± {s:.3f}"
                for m, s in zip(mean, sd, strict=True)
            ]
            told = "" if wedge is None else ", missing wedge"
            yield _said(f"| {how} of codes{told} | " + " | ".join(cells) + " |")


def _masks(tube: Tube, voxels: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    depth, height, width = voxels.shape
    shape = (depth, height, width)
    return tube.wall(shape), tube.filled(shape)


def _best_node(
    leaves: NDArray[np.int32], parents: NDArray[np.int32], mask: NDArray[np.bool_]
) -> float:
    return float(oracle_dice(leaves, parents, mask.astype(np.uint8))[-1].dice)


def _best_class(labels: NDArray[np.integer], mask: NDArray[np.bool_]) -> float:
    return max(_dice(labels == one, mask) for one in np.unique(labels))


def _best_threshold(voxels: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    smooth = ndimage.gaussian_filter(voxels, 1.5)
    steps = np.quantile(smooth, np.linspace(0.5, 0.99, 50))
    return max(_dice(smooth > step, mask) for step in steps)


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / max(int(one.sum()) + int(other.sum()), 1))


def _said(row: str) -> str:
    print(row, flush=True)
    return row
