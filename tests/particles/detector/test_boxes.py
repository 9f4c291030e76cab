"""Boxes: how much they overlap against counted voxels, suppression against a plain loop."""

import itertools

import numpy as np
import pytest
import torch

from gyrovox.particles.detector.boxes import contains, intersection_over_union, kept_boxes


def random_boxes(count, seed=0, side=12):
    """Boxes whose corners are whole numbers, so that voxels can be counted."""
    generator = np.random.default_rng(seed)
    low = generator.integers(0, side, (count, 3))
    sides = generator.integers(1, side, (count, 3))
    return torch.from_numpy(np.concatenate([low + sides / 2, sides], axis=1)).float()


def filled(box, side=24):
    low = (box[:3] - box[3:] / 2).int()
    high = (box[:3] + box[3:] / 2).int()
    voxels = np.zeros((side,) * 3, bool)
    voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
    return voxels


def test_overlap_agrees_with_counted_voxels():
    first, second = random_boxes(6, 0), random_boxes(7, 1)
    found = intersection_over_union(first, second)
    for (i, one), (j, other) in itertools.product(enumerate(first), enumerate(second)):
        a, b = filled(one), filled(other)
        assert found[i, j].item() == pytest.approx((a & b).sum() / (a | b).sum(), abs=1e-6)


def test_a_box_is_itself_and_no_other_that_touches_it():
    box = torch.tensor([[5.0, 5, 5, 4, 4, 4]])
    beside = torch.tensor([[5.0, 5, 9, 4, 4, 4]])
    assert intersection_over_union(box, box).item() == 1
    assert intersection_over_union(box, beside).item() == 0


def test_a_point_lies_within_a_box_or_on_its_face_or_beyond():
    box = torch.tensor([[5.0, 5, 5, 4, 6, 8]])
    points = torch.tensor([[5.0, 5, 5], [6.9, 7.9, 8.9], [7, 5, 5], [5, 5, 9.1]])
    assert contains(box, points)[0].tolist() == [True, True, False, False]


def naive_suppression(boxes, scores, classes, overlap):
    """The definition: again and again the best that is left, without those that it suppresses."""
    left = list(range(len(boxes)))
    kept = []
    while left:
        best = max(left, key=lambda row: scores[row].item())
        kept.append(best)
        left = [
            row
            for row in left
            if row != best
            and not (
                classes[row] == classes[best]
                and intersection_over_union(boxes[row][None], boxes[best][None]).item() > overlap
            )
        ]
    return kept


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.5, 1.0])
def test_suppression_agrees_with_the_definition(overlap):
    boxes = random_boxes(8, 3).repeat(4, 1)
    boxes[:, :3] += 0.5 * torch.randn(32, 3)
    scores = torch.rand(32)
    classes = torch.randint(0, 2, (32,))
    found = kept_boxes(boxes, scores, classes, overlap=overlap).tolist()
    assert found == naive_suppression(boxes, scores, classes, overlap)
    assert len(found) < 32 or overlap == 1.0


def test_of_nothing_nothing_is_left():
    empty = torch.zeros(0, 6), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    assert kept_boxes(*empty, overlap=0.5).tolist() == []


def test_an_overlap_is_a_share():
    with pytest.raises(ValueError, match=r"overlap must be between 0 and 1, got 1\.5"):
        kept_boxes(random_boxes(1), torch.ones(1), torch.zeros(1, dtype=torch.int64), overlap=1.5)
