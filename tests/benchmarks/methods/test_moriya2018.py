"""Triplets are of the clusters that they should be of, and their loss knows its margin."""

import numpy as np
import pytest
import torch
from benchmarks.quality.methods import moriya2018
from benchmarks.quality.methods.moriya2018 import clusters_after, triplet_loss, triplets


def test_clusters_fall_by_one_factor_down_to_the_last():
    left = [clusters_after(period) for period in range(9)]
    assert left[0] == 400
    assert left[-1] == 8
    np.testing.assert_allclose(np.divide(left[1:], left[:-1]), 0.613, atol=0.03)


def test_triplets_are_of_their_clusters():
    chance = np.random.default_rng(0)
    labels = np.array([3, 0, 1, 2, 0, 1, 3, 3, 0])
    near = np.array([[1, 2], [0, 3], [3, 0], [2, 1]])
    anchors, same, others = triplets(labels, near, 500, chance)
    np.testing.assert_array_equal(labels[anchors], labels[same])
    np.testing.assert_array_equal(labels[others], near[labels[anchors]])
    assert set(anchors) == set(range(9))
    assert {(a, b) for a, b in zip(anchors, same, strict=True) if labels[a] == 0} == {
        (a, b) for a in (1, 4, 8) for b in (1, 4, 8)
    }


def test_the_loss_is_0_where_others_are_far_and_the_margin_where_all_coincide():
    points = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    opposite = -points[:, None].expand(6, 3, 4)
    assert triplet_loss(points, points, opposite).item() == 0
    alike = points[:, None].expand(6, 3, 4)
    assert triplet_loss(points, points, alike).item() == pytest.approx(0.2)


def test_the_loss_weighs_the_near_distance(monkeypatch):
    monkeypatch.setattr(moriya2018, "_CLOSER", 2.0)
    anchor, same = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    others = torch.tensor([[[0.0, -1.0], [-1.0, 0.0]]])
    # Squared distances 2 to its own, 2 and 4 to the others.
    expected = ((0.2 + 2 * 2 - 2) + (0.2 + 2 * 2 - 4)) / 2
    assert triplet_loss(anchor, same, others).item() == pytest.approx(expected)
