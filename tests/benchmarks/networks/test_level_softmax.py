import numpy as np
import pytest
import torch
from benchmarks.quality.networks.levels import (
    chosen_levels,
    class_tensor,
    labels_by_level,
    softmax_by_level,
)

LEVELS = (2, 4, 8)


def test_every_level_sums_to_one():
    found = softmax_by_level(torch.randn(2, 14, 3, 4, 5), LEVELS)
    for part in (found[:, :2], found[:, 2:6], found[:, 6:]):
        torch.testing.assert_close(part.sum(1), torch.ones(2, 3, 4, 5))


def test_labels_of_one_hot_probabilities_are_the_classes():
    chance = np.random.default_rng(0)
    truth = {k: chance.integers(0, k, (3, 4, 5)) for k in LEVELS}
    classes = class_tensor(truth, LEVELS, torch.device("cpu"))
    one_hot = torch.cat([
        torch.nn.functional.one_hot(one.long(), k).movedim(-1, 0)
        for one, k in zip(classes, LEVELS, strict=True)
    ])
    labels = labels_by_level(one_hot, LEVELS)
    for k in LEVELS:
        np.testing.assert_array_equal(labels[k], truth[k])


def test_a_level_that_was_not_learnt_is_refused():
    with pytest.raises(ValueError, match=r"among those of the truths, \[2\], got \[2, 3\]"):
        chosen_levels({2: np.zeros((1, 1, 1), int)}, (2, 3))
