"""Views of a crop lie on each other, and the best of several sub-heads is used."""

import numpy as np
import pytest
import torch
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.methods import iic2019
from benchmarks.quality.methods.iic2019 import (
    ClassHead,
    InformationClustering2D,
    InformationClustering3D,
)
from benchmarks.quality.networks.grey_jitter import GreyJitter

from gyrovox.volumes import Volume


class Middle(torch.nn.Module):
    """The middle voxel of every patch of 3^3 voxels, or of 1 x 3 x 3."""

    def __init__(self, depth):
        super().__init__()
        self.depth = depth

    def forward(self, voxels):
        return voxels[:, :, self.depth : voxels.shape[2] - self.depth, 1:-1, 1:-1]


@pytest.mark.parametrize("kind", [InformationClustering2D, InformationClustering3D])
def test_views_are_of_the_same_voxels(kind, monkeypatch):
    monkeypatch.setattr(iic2019, "_JITTER", GreyJitter(0, 0, 0))
    method = kind(seed=0, budget=Budget())
    method._encoder = Middle(method.kernel[0] // 2)
    chance = np.random.default_rng(0)
    for _ in range(10):
        first, second = method._views(torch.randn(2, 1, 5, 6, 6), chance)
        torch.testing.assert_close(first, second)


def test_a_loss_falls_when_features_say_the_class():
    torch.manual_seed(0)
    classes = torch.randint(3, (2, 6, 6, 6))
    features = torch.nn.functional.one_hot(classes, 3).movedim(-1, 1).float()
    head = ClassHead(3, 3)
    with torch.no_grad():
        vague = head.loss(features, features, (0, 0, 0))
        head.layer.weight.copy_(50 * torch.eye(3).repeat(2, 1)[:, :, None, None, None])
        sure = head.loss(features, features, (0, 0, 0))
    assert vague > sure
    assert sure.item() == pytest.approx(-np.log(3), abs=0.02)


def test_the_sub_head_of_the_lowest_loss_is_used():
    head = ClassHead(4, 3)
    features = torch.randn(1, 4, 2, 2, 2)
    for best, losses in enumerate([[-1.0, -0.5], [-0.5, -1.0]]):
        head.losses.copy_(torch.tensor(losses))
        assert head.best(features).equal(head(features)[:, best])


def test_levels_without_a_head_are_refused():
    method = InformationClustering2D(seed=0, budget=Budget(60.0, most_steps=1))
    volume = Volume.from_array(np.random.default_rng(0).random((1, 8, 8, 8), np.float32))
    method.fit([volume])
    with pytest.raises(ValueError, match=r"levels must be 2 to 8 classes, got \[9\]"):
        method.segment(volume, (2, 9))
