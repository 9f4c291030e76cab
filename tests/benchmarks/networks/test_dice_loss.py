import pytest
import torch
from benchmarks.quality.networks.dice_loss import dice_loss


def one_hot(classes, k):
    return torch.nn.functional.one_hot(classes, k).movedim(-1, 1).float()


def test_the_truth_itself_has_no_loss_whichever_classes_are_there():
    classes = torch.randint(0, 3, (2, 4, 4, 4))
    loss = dice_loss(one_hot(classes, 5), classes[:, None], (5,))
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_the_wrong_class_everywhere_has_all_of_it():
    classes = torch.zeros(1, 4, 4, 4, dtype=torch.long)
    loss = dice_loss(one_hot(1 - classes, 2), classes[:, None], (2,))
    assert loss.item() == pytest.approx(1, abs=1e-6)


def test_hard_labels_have_one_minus_their_dice():
    truth = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1]).view(1, 2, 2, 2)
    found = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0]).view(1, 2, 2, 2)
    # Class 0: shared 2 of 3 + 4; class 1: shared 3 of 5 + 4.
    expected = 1 - (4 / 7 + 6 / 9) / 2
    loss = dice_loss(one_hot(found, 2), truth[:, None], (2,))
    assert loss.item() == pytest.approx(expected, abs=1e-5)


def test_levels_count_alike():
    classes = torch.zeros(1, 2, 4, 4, 4, dtype=torch.long)
    right, wrong = one_hot(classes[:, 0], 2), one_hot(1 + classes[:, 1], 3)
    loss = dice_loss(torch.cat([right, wrong], 1), classes, (2, 3))
    # Of the three classes of the second level the third is neither there nor found.
    assert loss.item() == pytest.approx((0 + 2 / 3) / 2, abs=1e-5)
