"""Anchors: where they are, which truth they answer for, and the way to it and back."""

import pytest
import torch

from gyrovox.particles.detector.anchors import (
    BACKGROUND,
    anchor_boxes,
    decoded,
    encoded,
    matched_truths,
)
from gyrovox.particles.detector.boxes import intersection_over_union


def test_anchors_stand_around_every_cell():
    found = anchor_boxes((2, 1, 3), stride=4, diameters=[5.0, 8.0])
    assert found.shape == (12, 6)
    assert found[0].tolist() == [0, 0, 0, 5, 5, 5]
    assert found[1].tolist() == [0, 0, 0, 8, 8, 8]
    assert found[-1].tolist() == [4, 0, 8, 8, 8, 8]
    assert len({tuple(row.tolist()) for row in found}) == 12


def test_decoding_is_the_inverse_of_encoding():
    anchors = torch.cat([30 * torch.randn(50, 3), 5 + 20 * torch.rand(50, 3)], dim=1)
    boxes = torch.cat([30 * torch.randn(50, 3), 5 + 20 * torch.rand(50, 3)], dim=1)
    torch.testing.assert_close(
        decoded(encoded(boxes, anchors), anchors), boxes, rtol=1e-5, atol=1e-4
    )
    offsets = torch.randn(50, 6)
    torch.testing.assert_close(
        encoded(decoded(offsets, anchors), anchors), offsets, rtol=1e-5, atol=1e-4
    )


def test_a_wild_offset_is_no_infinity():
    wild = decoded(torch.full((1, 6), 1e4), torch.ones(1, 6))
    assert torch.isfinite(wild).all()


def level(shape, stride, diameters):
    boxes = anchor_boxes(shape, stride=stride, diameters=diameters)
    return boxes, torch.arange(len(diameters)).repeat(len(boxes) // len(diameters))


@pytest.fixture
def pyramid():
    fine, of_fine = level((6, 8, 8), 4, [8.0, 10.0])
    coarse, of_coarse = level((3, 4, 4), 8, [16.0, 20.0])
    return torch.cat([fine, coarse]), torch.cat([of_fine, of_coarse + 2])


def test_anchors_answer_for_a_truth_of_their_size(pyramid):
    anchors, sizes = pyramid
    truths = torch.tensor([[12.0, 12, 12, 8.5, 8.5, 8.5], [8.0, 16, 16, 18, 18, 18]])
    answers = matched_truths(anchors, sizes, truths)
    overlaps = intersection_over_union(truths, anchors)
    for truth in range(2):
        rows = (answers == truth).nonzero()[:, 0]
        assert overlaps[truth].argmax() in rows
        assert 1 <= len(rows) < 20
        # By definition each is above the mean of the candidates, which the far ones are not.
        assert overlaps[truth, rows].min() > overlaps[truth][overlaps[truth] > 0].mean()
    assert {0, 1} <= set(sizes[answers == 0].tolist())
    assert {2, 3} & set(sizes[answers == 1].tolist())


def definition(anchors, sizes, truths, nearest):
    """Algorithm 1 of the paper, in loops."""
    answers = [BACKGROUND] * len(anchors)
    best = [0.0] * len(anchors)
    for number, truth in enumerate(truths):
        overlaps = intersection_over_union(truth[None], anchors)[0]
        gaps = (anchors[:, :3] - truth[:3]).norm(dim=1)
        rows = []
        for size in sizes.unique():
            of_size = (sizes == size).nonzero()[:, 0].tolist()
            rows += sorted(of_size, key=lambda row: gaps[row].item())[:nearest]
        threshold = overlaps[rows].mean() + overlaps[rows].std(correction=0)
        low, high = truth[:3] - truth[3:] / 2, truth[:3] + truth[3:] / 2
        for row in rows:
            centre = anchors[row, :3]
            inside = bool(((centre > low) & (centre < high)).all())
            if overlaps[row] >= threshold and inside and overlaps[row] > best[row]:
                answers[row], best[row] = number, overlaps[row].item()
    return answers


def test_matching_agrees_with_the_algorithm_in_loops(pyramid):
    anchors, sizes = pyramid
    # Off the lattice, so that no two anchors are as near.
    centres = torch.tensor([[9.3, 11.7, 13.1], [12.6, 21.2, 9.4], [10.1, 14.3, 17.9]])
    truths = torch.cat([centres, torch.tensor([[9.0], [17.0], [12.0]]).expand(3, 3)], dim=1)
    found = matched_truths(anchors, sizes, truths, nearest=5)
    assert found.tolist() == definition(anchors, sizes, truths, 5)
    assert set(found.tolist()) == {BACKGROUND, 0, 1, 2}


def test_a_truth_that_suits_no_anchor_is_answered_for_all_the_same(pyramid):
    anchors, sizes = pyramid
    # So small that no anchor's centre lies in it.
    truths = torch.tensor([[14.0, 14, 14, 2, 2, 2]])
    assert (matched_truths(anchors, sizes, truths) == 0).sum() == 1


def test_without_truths_all_is_background(pyramid):
    anchors, sizes = pyramid
    assert (matched_truths(anchors, sizes, torch.zeros(0, 6)) == BACKGROUND).all()
