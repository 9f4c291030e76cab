"""The loss of SimSiam is a cosine without a gradient for what is predicted."""

import numpy as np
import pytest
import torch
from benchmarks.quality.comparison.budget import Budget
from benchmarks.quality.methods import simsiam
from benchmarks.quality.methods.simsiam import Siamese, SimSiamKMeans, negative_cosine
from benchmarks.quality.networks.cube_symmetries import Symmetry
from benchmarks.quality.networks.grey_jitter import GreyJitter


def test_it_is_the_cosine_of_the_angle():
    predicted = torch.tensor([[1.0, 0.0], [3.0, 3.0]])
    embedded = torch.tensor([[5.0, 0.0], [0.0, 2.0]])
    found = negative_cosine(predicted, embedded)
    assert found.item() == pytest.approx(-(1 + 0.5**0.5) / 2)


def test_only_the_prediction_has_a_gradient():
    predicted, embedded = (torch.randn(5, 3, requires_grad=True) for _ in range(2))
    negative_cosine(predicted, embedded).backward()
    assert predicted.grad is not None
    assert embedded.grad is None


def test_the_loss_is_the_same_with_the_views_exchanged():
    torch.manual_seed(0)
    network = Siamese(1)
    first, second = torch.randn(2, 8, 1, 9, 9, 9)
    found, exchanged = network.loss(first, second), network.loss(second, first)
    torch.testing.assert_close(found, exchanged)
    assert -1 <= found.item() <= 1


def test_views_are_all_shifts_of_a_patch(monkeypatch):
    monkeypatch.setattr(simsiam, "_JITTER", GreyJitter(0, 0, 0))
    monkeypatch.setattr(simsiam, "random_symmetry", lambda chance: Symmetry())
    method = SimSiamKMeans(seed=0, budget=Budget())
    method._encoder = Siamese(1).encoder
    crop = torch.arange(11.0**3).reshape(1, 1, 11, 11, 11)
    chance = np.random.default_rng(0)
    views = [method._view(crop, chance) for _ in range(300)]
    assert {tuple(view.shape) for view in views} == {(1, 1, 9, 9, 9)}
    assert len({view.min().item() for view in views}) == 27
