import time

import numpy as np
import pytest

from gyrovox.errors import VolumeError, VolumeMismatchError
from gyrovox.evaluation import contingency, dice, intersection_over_union


def test_counts_of_a_hand_made_example():
    table = contingency(np.array([[5, 5], [7, 7]]), np.array([[0, 1], [1, 1]]))
    assert table.labels.tolist() == [5, 7]
    assert table.classes.tolist() == [0, 1]
    assert table.counts.tolist() == [[1, 1], [0, 2]]
    assert dice(table) == pytest.approx(np.array([[2 / 3, 2 / 5], [0, 4 / 5]]))
    assert intersection_over_union(table) == pytest.approx(np.array([[1 / 2, 1 / 4], [0, 2 / 3]]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.uint64, np.float32])
def test_every_type_of_whole_numbers_counts_the_same(dtype, rng):
    labels, truth = rng.integers(0, 9, (2, 11, 12, 13))
    expected = [[((labels == i) & (truth == j)).sum() for j in range(9)] for i in range(9)]
    table = contingency(labels.astype(dtype), truth.astype(dtype))
    np.testing.assert_array_equal(table.counts, expected)


def test_far_apart_and_negative_values(rng):
    values = np.array([-3, 0, 2**40])
    labels, truth = values[rng.integers(0, 3, (2, 500))]
    table = contingency(labels, truth)
    assert table.labels.tolist() == values.tolist()
    expected = [[((labels == i) & (truth == j)).sum() for j in values] for i in values]
    np.testing.assert_array_equal(table.counts, expected)


def test_booleans_and_gaps_between_classes():
    table = contingency(np.array([True, False, False]), np.array([0, 200, 200], dtype=np.uint8))
    assert table.classes.tolist() == [0, 200]
    assert table.counts.tolist() == [[0, 2], [1, 0]]


def test_ignored_classes_are_left_out():
    table = contingency(np.array([0, 1, 2]), np.array([255, 1, 0]), ignore=[255])
    assert table.classes.tolist() == [0, 1]
    assert table.labels.tolist() == [1, 2]


def test_ten_million_voxels_take_less_than_a_second_or_so(rng):
    labels = rng.integers(0, 8, 10_000_000, dtype=np.uint8)
    start = time.perf_counter()
    table = contingency(labels, labels[::-1])
    assert table.counts.sum() == labels.size
    assert time.perf_counter() - start < 5  # 0.1 s alone; the margin is for busy machines


def test_shapes_must_agree():
    with pytest.raises(VolumeMismatchError, match=r"same shape, and they are \(2, 3\) and \(6,\)"):
        contingency(np.zeros((2, 3), int), np.zeros(6, int))


@pytest.mark.parametrize(
    ("labels", "truth", "ignore", "message"),
    [
        ([0.5, 1], [0, 1], (), "labels must be whole numbers"),
        ([0, 1], [np.nan, 1], (), "truth must be whole numbers"),
        (["a", "b"], [0, 1], (), "whole numbers, and the type is <U1"),
        ([0, 1], [0, 1], (0, 1), r"none of 2 is left once the classes \[0, 1\] are ignored"),
        ([], [], (), r"labels must have voxels, and the shape is \(0,\)"),
    ],
    ids=str,
)
def test_what_is_no_label_volume_is_refused(labels, truth, ignore, message):
    with pytest.raises(VolumeError, match=message):
        contingency(np.array(labels), np.array(truth), ignore=ignore)


def test_images_are_refused_before_memory_ends():
    image = np.arange(20_000)
    with pytest.raises(VolumeError, match="20000 and 20000 distinct values"):
        contingency(image, image)
