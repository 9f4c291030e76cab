"""The threshold is the one that gives the best F1 on tomograms that were not learned from."""

import torch

from gyrovox.particles.detector.calibration import calibrated
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.particle_detector import LOWEST_SCORE, ParticleDetector


def test_the_threshold_lies_between_what_is_there_and_what_is_not(trained, unseen):
    threshold, counts = calibrated(trained, unseen, device="cpu")
    assert LOWEST_SCORE < threshold < 1
    assert counts.particles == sum(len(example.boxes) for example in unseen)
    assert counts.f1 > 0.9
    stricter = [trained.boxes(e.voxels, threshold=threshold, device="cpu")[0] for e in unseen]
    assert sum(map(len, stricter)) == counts.picks


def test_a_detector_that_finds_nothing_has_a_threshold_too(unseen, settings):
    torch.manual_seed(0)
    blind = ParticleDetector(RetinaNet(settings))
    threshold, counts = calibrated(blind, unseen[:1], device="cpu")
    assert threshold == 0.5
    assert (counts.hits, counts.picks, counts.particles) == (0, 0, 4)
