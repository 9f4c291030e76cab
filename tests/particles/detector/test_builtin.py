"""The detector that comes with gyrovox: it is there, says where it came from, and finds virions."""

import numpy as np

from gyrovox.particles.detector.builtin import PATH, virion_detector
from gyrovox.particles.detector.settings import DetectorSettings


def test_it_is_small_and_says_where_it_came_from():
    detector = virion_detector()
    assert PATH.stat().st_size < 1.5e6
    assert detector.settings == DetectorSettings()
    assert detector.about["data"] == "simulated tomograms"
    assert {"seed", "tomograms", "steps", "F1 held out"} <= set(detector.about)


def test_it_finds_the_virions_of_a_tomogram_that_it_has_not_seen(simulated):
    detector = virion_detector()
    boxes, scores, _ = detector.boxes(simulated.voxels, threshold=detector.threshold, device="cpu")
    assert len(boxes) == len(simulated.boxes) >= 2
    for truth in simulated.boxes:
        gaps = np.linalg.norm(boxes[:, :3].numpy() - truth[:3], axis=1)
        nearest = int(gaps.argmin())
        assert gaps[nearest] < truth[3] / 4
        assert abs(np.log(boxes[nearest, 3:].numpy() / truth[3:])).max() < np.log(1.2)
    assert (scores >= detector.threshold).all()
