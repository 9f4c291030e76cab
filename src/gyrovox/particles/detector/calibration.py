"""The threshold of a trained detector, chosen on tomograms that it did not learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.particle_detector import LOWEST_SCORE, ParticleDetector
from gyrovox.particles.picking.picks_beside_truth import PickCounts, best_threshold
from gyrovox.volumes import ParticleTable


def calibrated(
    detector: ParticleDetector, examples: Sequence[Example], *, device: str = "auto"
) -> tuple[float, PickCounts]:
    """The threshold that gives a detector its best F1.

    Args:
        detector: What was trained.
        examples: Tomograms that it did not learn from.
        device: Where to compute.

    Returns:
        The threshold, and the counts with it; 0.5, where the detector finds nothing at all.
    """
    found = [pair for example in examples for pair in _picks_and_truths(detector, example, device)]
    if not any(len(picks) for picks, _ in found):
        return 0.5, PickCounts(particles=sum(len(truth) for _, truth in found))
    return best_threshold(found)


def _picks_and_truths(
    detector: ParticleDetector, example: Example, device: str
) -> Iterator[tuple[ParticleTable, ParticleTable]]:
    """What is found of each class, and what there is, in the detector's voxels."""
    boxes, scores, classes = detector.boxes(example.voxels, threshold=LOWEST_SCORE, device=device)
    depth, height, width = example.voxels.shape
    size = detector.settings.voxel_size_nm
    for number in range(len(detector.settings.classes)):
        rows = (classes == number).nonzero()[:, 0]
        picks = ParticleTable(
            positions=boxes[rows, :3].double().numpy(),
            shape=(depth, height, width),
            voxel_size_nm=size,
            scores=scores[rows].double().numpy(),
        )
        truths = example.boxes[example.classes == number].astype(np.float64)
        truth = ParticleTable(
            positions=truths[:, :3],
            shape=(depth, height, width),
            voxel_size_nm=size,
            diameters_nm=truths[:, 3] * size,
        )
        yield picks, truth
