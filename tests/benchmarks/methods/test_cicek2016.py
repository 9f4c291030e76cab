import numpy as np
import pytest
import torch
from benchmarks.quality.methods.cicek2016 import (
    augmented,
    class_weights,
    labelled_slices,
    sparse_loss,
)

CLASSES = torch.randint(0, 3, (1, 50, 40, 120)).float()


def test_two_percent_of_the_slices_of_each_axis_are_labelled_and_at_least_one():
    shown = labelled_slices(CLASSES, np.random.default_rng(0))[0] > 0
    whole = [shown.flatten(1).all(1).sum().item()]
    whole += [shown.transpose(0, 1).flatten(1).all(1).sum().item()]
    whole += [shown.movedim(2, 0).flatten(1).all(1).sum().item()]
    assert whole == [1, 1, 2]
    # Nothing else is: 1 - the part that no slice cuts.
    assert shown.float().mean() == pytest.approx(1 - (49 / 50) * (39 / 40) * (118 / 120), rel=1e-5)


def test_labels_are_the_classes_plus_one():
    found = labelled_slices(CLASSES, np.random.default_rng(0))
    torch.testing.assert_close(found[found > 0] - 1, CLASSES[found > 0])


def test_rarer_classes_weigh_more_and_all_voxels_one_in_the_mean():
    labelled = torch.tensor([1.0] * 16 + [2.0] * 4 + [0.0] * 5).view(1, 1, 5, 5)
    (weight,) = class_weights([labelled], (3,))
    assert (weight[1] / weight[0]).item() == pytest.approx(2)
    assert ((16 * weight[0] + 4 * weight[1]) / 20).item() == pytest.approx(1)


def test_what_is_not_labelled_teaches_nothing():
    labelled = torch.zeros(1, 1, 3, 3, 3)
    labelled[..., 0] = 1
    logits = torch.randn(1, 2, 3, 3, 3, requires_grad=True)
    sparse_loss(logits, labelled, (2,), [torch.ones(2)]).backward()
    assert logits.grad[..., 1:].abs().max() == 0
    assert logits.grad[..., 0].abs().min() > 0


def test_even_logits_cost_the_logarithm_of_the_number_of_classes():
    labelled = torch.ones(1, 2, 2, 2, 2)
    loss = sparse_loss(torch.zeros(1, 6, 2, 2, 2), labelled, (2, 4), [torch.ones(2), torch.ones(4)])
    assert loss.item() == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_image_and_labels_are_deformed_alike():
    classes = torch.zeros(1, 24, 24, 24)
    classes[:, 6:18, 6:18, 6:18] = 1
    image, labelled = augmented(100 * classes, classes + 1, (24, 24, 24), np.random.default_rng(0))
    inside = labelled[0] == 2
    outside = labelled[0] == 1
    assert inside.any()
    # Trilinear values pass 1/2 where the nearest voxel changes, but for the corners.
    assert image[0][inside].mean() > 75
    assert image[0][outside].mean() < 10
