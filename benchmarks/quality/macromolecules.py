"""Particles of a tomogram by class: nodes of trees beside template matching."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.quality.real_volumes import tree_of
from gyrovox import HierarchicalSegmenter, io
from gyrovox.particles.picking import TemplateSearch, pick_by_template
from gyrovox.settings import SegmentationSettings, configuration
from gyrovox.tomography.denoising import Gaussian, TotalVariation, denoise
from gyrovox.volumes import Volume

CLASSES = tuple(range(1, 10))
TILTS = (-60.0, 60.0)
"""The range that the power spectrum of the tomogram shows."""

_NEAR = 5.0  # voxels
_SMALLEST, _LARGEST_SHARE = 20, 0.1  # voxels of a candidate; share of the volume of a node
_HALF_BOX = 14  # voxels from the centre of a template to its faces
_SIZE_NM = 1.0  # none is documented; only ratios count


@dataclass(frozen=True)
class Particles:
    """Where the particles of a tomogram are.

    Args:
        positions: Centres (z, y, x) in voxels, shape (n, 3).
        classes: Shape (n,).
    """

    positions: NDArray[np.float64]
    classes: NDArray[np.int64]

    def found(self, candidates: NDArray[np.float64], of_class: int | None) -> "Score":
        """How many particles of a class, or of any, have a candidate nearby."""
        wanted = self.positions if of_class is None else self.positions[self.classes == of_class]
        if not len(candidates):
            return Score(0, 0, len(wanted))
        gaps = np.linalg.norm(wanted[:, None] - candidates[None], axis=-1)
        # Particles are farther apart than twice the radius: no candidate is near two of them.
        return Score(int((gaps.min(axis=1) <= _NEAR).sum()), len(candidates), len(wanted))


@dataclass(frozen=True)
class Score:
    """Counts.

    Args:
        hits: Particles with a candidate.
        candidates: All candidates.
        particles: All particles.
    """

    hits: int
    candidates: int
    particles: int

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.hits + other.hits,
            self.candidates + other.candidates,
            self.particles + other.particles,
        )

    @property
    def recall(self) -> float:
        return self.hits / self.particles

    @property
    def precision(self) -> float:
        return self.hits / self.candidates if self.candidates else 0.0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.candidates + self.particles)


def particle_rows(data: Path, *, seeds: int, steps: int, small: bool) -> Iterator[str]:
    """Rows of the table of particles."""
    folder = data / "cryoet_sim_deepfinder"
    voxels = io.read(f"{folder / 'tomo1_data.h5'}::dataset").read()[0].astype(np.float32)
    # Templates need the whole volume; a few turns of one of them are soon compared.
    whole = Volume.from_array(voxels, voxel_size_nm=(_SIZE_NM,) * 3, name="tomo1")
    if small:
        voxels = voxels[72:, 72:, 38:66]
    particles = _listed(folder / "tomo1_objlist.xml")
    volume = Volume.from_array(voxels, voxel_size_nm=(_SIZE_NM,) * 3, name="tomo1")
    ways = {"nothing": voxels}
    if not small:
        ways["Gaussian, 1.5 voxels"] = denoise(volume, Gaussian(sigma=1.5))
        ways["total variation"] = denoise(volume, TotalVariation())
    for name, denoised in ways.items():
        tree, _ = tree_of(denoised[None], texture=True)
        scores = _of_nodes(tree.leaves, tree.parents, particles)
        yield _row(f"default tree, denoised by {name}", [scores])
    for wedge in (None, TILTS):
        runs = [_of_codes(volume, particles, seed, steps, wedge) for seed in range(seeds)]
        yield _row("tree of codes" + ("" if wedge is None else ", missing wedge"), runs)
    yield _row("threshold, Gaussian of 1.5 voxels", [_of_thresholds(voxels, particles)])
    yield _row("template matching", [_of_templates(whole, particles, small=small)])


def _listed(path: Path) -> Particles:
    # The list's x is the first axis of the arrays: so lie the particles in the target.
    rows = [
        ([float(one.attrib[axis]) for axis in "xyz"], int(one.attrib["class_label"]))
        for one in ElementTree.parse(path).getroot()
    ]
    positions, classes = zip(*rows, strict=True)
    return Particles(np.array(positions), np.array(classes))


def _of_codes(
    volume: Volume,
    particles: Particles,
    seed: int,
    steps: int,
    wedge: tuple[float, float] | None,
) -> dict[int | None, Score]:
    base = configuration("default")
    settings = replace(
        base,
        training=replace(base.training, steps=steps, missing_wedge=wedge),
        segmentation=SegmentationSettings(evidence="codes"),
    )
    segmenter = HierarchicalSegmenter(settings, seed=seed, quiet=True)
    tree = segmenter.fit(volume).segment(volume, levels=(2,)).tree
    assert tree is not None
    return _of_nodes(tree.leaves, tree.parents, particles)


def _of_nodes(
    leaves: NDArray[np.int32], parents: NDArray[np.int32], particles: Particles
) -> dict[int | None, Score]:
    """For each class, and for all, the best node."""
    count = int(leaves.max()) + 1
    members: list[set[int]] = [{leaf} for leaf in range(count)]
    members += [set() for _ in range(len(parents) - count)]
    for node, parent in enumerate(parents[:-1]):
        members[parent] |= members[node]
    sizes = np.bincount(leaves.ravel(), minlength=count)
    best = {one: Score(0, 0, 1) for one in (*CLASSES, None)}
    for leaf_set in members:
        chosen = np.zeros(count, bool)
        chosen[list(leaf_set)] = True
        if not _SMALLEST <= sizes[chosen].sum() <= _LARGEST_SHARE * leaves.size:
            continue
        _keep_best(best, _centres(chosen[leaves]), particles)
    return best


def _of_thresholds(voxels: NDArray[np.float32], particles: Particles) -> dict[int | None, Score]:
    smooth = ndimage.gaussian_filter(voxels, 1.5)
    best = {one: Score(0, 0, 1) for one in (*CLASSES, None)}
    for step in np.quantile(smooth, np.geomspace(0.001, _LARGEST_SHARE, 30)):
        _keep_best(best, _centres(smooth < step), particles)
    return best


def _keep_best(
    best: dict[int | None, Score], candidates: NDArray[np.float64], particles: Particles
) -> None:
    for one, so_far in best.items():
        score = particles.found(candidates, one)
        if score.f1 > so_far.f1:
            best[one] = score


def _centres(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Centres of the components of a mask that are large enough, shape (n, 3)."""
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    kept = np.flatnonzero(sizes >= _SMALLEST) + 1
    return np.array(ndimage.center_of_mass(mask, labels, kept)).reshape(-1, 3)


def _of_templates(volume: Volume, particles: Particles, *, small: bool) -> dict[int | None, Score]:
    """Each particle of a class looked for with the mean of the other two."""
    voxels, found = volume.read()[0], {}
    for one in CLASSES[: 1 if small else None]:
        rows = np.flatnonzero(particles.classes == one)
        total = Score(0, 0, 0)
        for left_out in rows:
            others = [particles.positions[row] for row in rows if row != left_out]
            template = -np.mean([_cut(voxels, place) for place in others], axis=0)
            picks = pick_by_template(
                volume,
                Volume.from_array(template.astype(np.float32), voxel_size_nm=volume.voxel_size_nm),
                TemplateSearch(
                    diameter_nm=20.0 * _SIZE_NM,
                    tilt_degrees=TILTS,
                    angular_step_degrees=90.0 if small else 30.0,
                    threshold=3.0,
                    voxel_size_nm=2.0 * _SIZE_NM,
                ),
                quiet=True,
            )
            # What it was made from is no merit to find.
            apart = [
                np.linalg.norm(place[None] - picks.positions, axis=1) > _NEAR for place in others
            ]
            places = picks.positions[np.all(apart, axis=0)]
            alone = Particles(particles.positions[[left_out]], particles.classes[[left_out]])
            scores = [alone.found(places[: n + 1], one) for n in range(min(len(places), 50))]
            total += max(scores, key=lambda score: score.f1, default=Score(0, 0, 1))
        found[one] = total
    return found


def _cut(voxels: NDArray[np.float32], place: NDArray[np.float64]) -> NDArray[np.float32]:
    """A cube around a place; beyond the volume's faces it is 0, the mean."""
    padded = np.pad(voxels, _HALF_BOX)
    z, y, x = (round(coordinate) + _HALF_BOX for coordinate in place)
    box = tuple(slice(max(0, c - _HALF_BOX), c + _HALF_BOX) for c in (z, y, x))
    cube = np.zeros((2 * _HALF_BOX,) * 3, np.float32)
    part = padded[box]
    cube[tuple(slice(length) for length in part.shape)] = part
    return cube


def _row(name: str, runs: list[dict[int | None, Score]]) -> str:
    cells, recalls = [], []
    for one in (*CLASSES, None):
        scores = [run[one] for run in runs if one in run]
        if not scores:
            cells.append("—")
            continue
        recall = float(np.mean([score.recall for score in scores]))
        precision = float(np.mean([score.precision for score in scores]))
        cells.append(f"{recall:.2f} / {precision:.2f}")
        if one is not None:
            recalls.append(recall)
    row = f"| {name} | {' | '.join(cells[:-1])} | {np.mean(recalls):.2f} | {cells[-1]} |"
    print(row, flush=True)
    return row
