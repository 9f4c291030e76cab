import json
from itertools import permutations

import numpy as np
import pytest

from gyrovox.errors import VolumeMismatchError
from gyrovox.evaluation import evaluate
from gyrovox.volumes.phantom_cell import cell_phantom


def mean_dice_by_trying_all(labels, truth, classes):
    """The definition: the best mean Dice over all ways to name the labels."""
    values = list(np.unique(labels)) + [-1] * classes
    best = 0.0
    for names in set(permutations(values, classes)):
        total = 0.0
        for name, number in zip(names, range(classes), strict=True):
            one, other = labels == name, truth == number
            total += 2 * (one & other).sum() / (one.sum() + other.sum())
        best = max(best, total / classes)
    return best


@pytest.mark.parametrize(("count", "classes"), [(2, 2), (4, 3), (2, 4), (1, 3)])
def test_mean_dice_is_the_best_over_all_names(count, classes, rng):
    for _ in range(5):
        truth = rng.integers(0, classes, 60)
        truth[:classes] = range(classes)
        noise = rng.integers(0, count, 60)
        labels = np.where(rng.random(60) < 0.5, (truth + 1) % count, noise)
        expected = mean_dice_by_trying_all(labels, truth, classes)
        assert evaluate(labels, truth).mean_dice == pytest.approx(expected)


def test_a_hand_made_example():
    labels = np.array([1, 1, 1, 0, 0, 2])
    truth = np.array([0, 0, 1, 1, 1, 1])
    result = evaluate(labels, truth)
    assert [(row.truth_class, row.label) for row in result.classes] == [(0, 1), (1, 0)]
    assert [row.dice for row in result.classes] == pytest.approx([4 / 5, 4 / 6])
    assert [row.iou for row in result.classes] == pytest.approx([2 / 3, 1 / 2])
    assert [row.shared_voxels for row in result.classes] == [2, 2]
    assert result.mean_dice == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert result.mean_iou == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_a_perfect_segmentation_under_other_names():
    truth = cell_phantom(0, shape=(20, 20, 20)).truths[2]
    names = np.random.default_rng(1).permutation(8)
    result = evaluate(names[truth], truth)
    assert result.mean_dice == result.mean_iou == result.adjusted_rand == 1.0
    assert [row.label for row in result.classes] == names.tolist()


def test_a_class_without_a_label_scores_nothing():
    result = evaluate(np.zeros(4, int), np.array([0, 0, 0, 1]))
    assert result.classes[1].label is None
    assert result.mean_dice == pytest.approx((6 / 7 + 0) / 2)


def test_ignored_voxels_change_nothing():
    labels, truth = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    spoiled = evaluate(np.append(labels, [0, 1]), np.append(truth, [9, 9]), ignore={9})
    assert spoiled == evaluate(labels, truth)


def test_the_dictionary_is_json():
    result = evaluate(np.array([0, 0, 1]), np.array([0, 1, 2]))
    read = json.loads(json.dumps(result.to_dict()))
    assert read["mean_dice"] == result.mean_dice
    assert read["variation_of_information"] == result.variation_of_information
    assert read["classes"][0] == {
        "truth_class": 0,
        "label": 0,
        "dice": pytest.approx(2 / 3),
        "iou": pytest.approx(1 / 2),
        "truth_voxels": 1,
        "label_voxels": 2,
        "shared_voxels": 1,
    }


def test_shapes_must_agree():
    with pytest.raises(VolumeMismatchError, match="same grid"):
        evaluate(np.zeros(3, int), np.zeros(4, int))
