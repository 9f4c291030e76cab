"""Mutual information of classes agrees with scikit-learn's, and knows of shifts."""

import math

import numpy as np
import pytest
import torch
from benchmarks.quality.networks.mutual_information import (
    joint_probabilities,
    negative_information,
    shifted_pairs,
)
from sklearn.metrics import mutual_info_score

SHAPE = (2, 6, 7, 8)


def hard(labels, k):
    """Probabilities (batch, 1, k, z, y, x) that are 0 or 1."""
    return torch.eye(k, dtype=torch.float64)[torch.as_tensor(labels)].movedim(-1, 1)[:, None]


def test_it_is_the_mutual_information_of_labels_counted_both_ways():
    chance = np.random.default_rng(0)
    first = chance.integers(4, size=SHAPE)
    second = np.where(chance.random(SHAPE) < 0.6, first, chance.integers(4, size=SHAPE))
    loss = negative_information(joint_probabilities(hard(first, 4), hard(second, 4)))
    both = np.stack([first, second]).ravel(), np.stack([second, first]).ravel()
    assert -loss.item() == pytest.approx(mutual_info_score(*both), rel=1e-6)


def test_equal_balanced_classes_reach_the_bound():
    labels = np.arange(math.prod(SHAPE)).reshape(SHAPE) % 4
    loss = negative_information(joint_probabilities(hard(labels, 4), hard(labels, 4)))
    assert loss.item() == pytest.approx(-math.log(4))


def test_independent_classes_say_nothing_of_each_other():
    joint = torch.tensor([[[0.2, 0.5]]]).transpose(1, 2) * torch.tensor([0.3, 0.7])
    joint = joint / joint.sum()
    assert negative_information(joint).item() == pytest.approx(0, abs=1e-6)


def test_more_weight_on_entropy_favours_balance():
    even, uneven = torch.diag(torch.tensor([0.5, 0.5])), torch.diag(torch.tensor([0.8, 0.2]))
    gaps = [
        (
            negative_information(uneven[None], entropy_weight=w)
            - negative_information(even[None], entropy_weight=w)
        ).item()
        for w in (1.0, 2.0)
    ]
    assert 0 < gaps[0] < gaps[1]


def test_heads_are_kept_apart():
    first, second = (torch.rand(2, 3, 4, 5, 5, 5, dtype=torch.float64).softmax(2) for _ in range(2))
    every = joint_probabilities(first, second)
    assert every.shape == (3, 4, 4)
    torch.testing.assert_close(every.sum((1, 2)), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(every[1:2], joint_probabilities(first[:, 1:2], second[:, 1:2]))


def test_shifts_go_each_way_once_and_one_undoes_a_shifted_view():
    first = torch.randn(1, 2, 6, 7, 8)
    second = first.roll((1, -1), (3, 4))
    pairs = list(shifted_pairs(first, second, (0, 1, 1)))
    assert len(pairs) == 9
    assert {one.shape for pair in pairs for one in pair} == {(1, 2, 6, 5, 6)}
    assert sum(one.equal(other) for one, other in pairs) == 1
    assert len({tuple(other.flatten().tolist()) for _, other in pairs}) == 9
    assert pairs[2 * 3 + 0][0].equal(pairs[2 * 3 + 0][1])
