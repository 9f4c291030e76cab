"""One step: crops are drawn as they should be, and the loss is least where the network is right."""

import numpy as np
import pytest
import torch
from torch import nn

from gyrovox.particles.detector.anchors import BACKGROUND, encoded
from gyrovox.particles.detector.examples import Example
from gyrovox.particles.detector.network import RetinaNet
from gyrovox.particles.detector.training_step import asked_of_anchors, drawn, losses


def test_crops_differ_and_are_the_same_for_the_same_seed(examples):
    once = drawn(examples, (16, 32, 32), 4, np.random.default_rng(3))
    again = drawn(examples, (16, 32, 32), 4, np.random.default_rng(3))
    for one, other in zip(once, again, strict=True):
        assert one.voxels.shape == (16, 32, 32)
        np.testing.assert_array_equal(one.voxels, other.voxels)
        np.testing.assert_array_equal(one.boxes, other.boxes)
    assert len({crop.voxels.tobytes() for crop in once}) == 4


def test_boxes_of_crops_still_surround_what_is_bright(examples):
    for crop in drawn(examples, (16, 32, 32), 8, np.random.default_rng(0)):
        for box, number in zip(crop.boxes, crop.classes, strict=True):
            place = np.rint(box[:3]).astype(int)
            inside = (place >= 2).all() and (place < np.array(crop.voxels.shape) - 2).all()
            if inside and number == 0:  # a ball, whose middle is bright
                near = crop.voxels[tuple(slice(at - 1, at + 2) for at in place)]
                assert near.mean() > 1.0


class Oracle(nn.Module):
    """Answers as asked, to be compared with a network that does not."""

    def __init__(self, network, crop, wrong):
        super().__init__()
        self.network = network
        self.dummy = nn.Parameter(torch.zeros(1))
        anchors, sizes = network.anchors(crop.voxels.shape)
        truths = torch.from_numpy(crop.boxes)
        answers, _ = asked_of_anchors(anchors, sizes, truths, crop.voxels.shape)
        found = answers != BACKGROUND
        self.scores = torch.full((1, len(anchors), 2), -20.0)
        classes = torch.from_numpy(crop.classes)[answers[found]]
        self.scores[0, found, 1 - classes if wrong == "class" else classes] = 20.0
        self.offsets = torch.zeros(1, len(anchors), 6)
        self.offsets[0, found] = encoded(truths[answers[found]], anchors[found])
        if wrong == "box":
            self.offsets += 1.0

    def anchors(self, shape):
        return self.network.anchors(shape)

    def forward(self, _):
        return self.scores, self.offsets


@pytest.mark.parametrize("wrong", ["nothing", "class", "box"])
def test_the_loss_is_nothing_where_nothing_is_wrong(examples, settings, wrong, monkeypatch):
    crop = examples[0].cropped((0, 0, 0), (16, 48, 48))
    network = RetinaNet(settings)
    oracle = Oracle(network, crop, wrong)
    monkeypatch.setattr(network, "forward", oracle.forward)
    found = losses(network, [crop])
    assert (found.classes > 1) == (wrong == "class")
    assert (found.boxes > 1) == (wrong == "box")
    if wrong == "nothing":
        assert found.total.item() == pytest.approx(0, abs=1e-6)


def test_particles_beyond_the_crop_are_asked_of_nobody(settings):
    anchors, sizes = RetinaNet(settings).anchors((16, 16, 16))
    inside = torch.tensor([[8.0, 8, 8, 9, 9, 9]])
    beyond = torch.tensor([[8.0, 8, 17, 9, 9, 9]])
    answers, asked = asked_of_anchors(anchors, sizes, torch.cat([beyond, inside]), (16, 16, 16))
    assert set(answers.tolist()) == {BACKGROUND, 1}
    assert not asked.all()
    assert asked[answers == 1].all()
    assert (anchors[~asked, 2] > 8).all()
    everyone, all_asked = asked_of_anchors(anchors, sizes, inside, (16, 16, 16))
    assert all_asked.all()
    assert (everyone == 0).sum() == (answers == 1).sum()


def test_an_empty_crop_has_a_loss_too(settings):
    empty = Example(
        voxels=np.zeros((16, 16, 16), np.float32),
        boxes=np.zeros((0, 6), np.float32),
        classes=np.zeros(0, np.int64),
    )
    found = losses(RetinaNet(settings), [empty])
    assert found.boxes == 0
    assert found.classes > 0
