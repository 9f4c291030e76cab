"""Peaks: where they are, and that they keep apart."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.peaks import kept_points, peaks_of


def bump(shape, centre, height, width=2.0):
    grid = np.indices(shape)
    square = ((grid - np.array(centre)[:, None, None, None]) ** 2).sum(axis=0)
    return (height * np.exp(-square / 2 / width**2)).astype(np.float32)


def test_peaks_are_found_to_a_fraction_of_a_voxel():
    places = [(6.3, 7.6, 5.1), (12.2, 18.4, 20.7)]
    scores = bump((24, 24, 28), places[0], 2.0) + bump((24, 24, 28), places[1], 3.0)
    found, values = peaks_of(scores, apart=4.0, threshold=1.0)
    np.testing.assert_allclose(found, places[::-1], atol=0.1)
    assert values.tolist() == pytest.approx([3.0, 2.0], rel=0.1)


def test_a_peak_near_a_higher_one_is_left_out():
    scores = bump((20, 20, 20), (10, 10, 6), 2.0, 1.0) + bump((20, 20, 20), (10, 10, 12), 3.0, 1.0)
    assert len(peaks_of(scores, apart=5.9, threshold=1.0)[0]) == 2
    found, _ = peaks_of(scores, apart=6.1, threshold=1.0)
    np.testing.assert_allclose(found, [[10, 10, 12]], atol=0.1)


def test_peaks_may_lie_at_the_border_and_must_pass_the_threshold():
    scores = np.zeros((8, 8, 8), np.float32)
    scores[0, 0, 7] = 5.0
    scores[4, 4, 4] = 2.0
    assert peaks_of(scores, apart=2.0, threshold=3.0)[0].tolist() == [[0, 0, 7]]
    assert len(peaks_of(scores, apart=2.0, threshold=6.0)[0]) == 0


def test_points_that_stay_keep_apart_and_each_that_goes_is_near_a_better_one():
    points = np.random.default_rng(0).uniform(0, 30, (200, 3))
    kept = kept_points(points, apart=6.0)
    assert 10 < len(kept) < 150
    assert pdist(points[kept]).min() >= 6.0
    for index in set(range(200)) - set(kept.tolist()):
        better = kept[kept < index]
        assert np.linalg.norm(points[better] - points[index], axis=1).min() < 6.0


def test_of_no_points_none_stay():
    assert len(kept_points(np.zeros((0, 3)), apart=1.0)) == 0


def test_a_distance_is_not_negative():
    with pytest.raises(SettingsError, match="must not be negative, got -1"):
        peaks_of(np.zeros((4, 4, 4), np.float32), apart=-1.0, threshold=0.0)
