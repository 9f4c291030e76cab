"""Losses against their formulas in double precision, and their gradients against differences."""

import math

import pytest
import torch

from gyrovox.particles.detector.losses import focal_loss, smooth_l1_loss


def formula(logit, target, alpha, gamma):
    p = 1 / (1 + math.exp(-logit))
    p_t, alpha_t = (p, alpha) if target else (1 - p, 1 - alpha)
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.25, 0.5])
def test_focal_loss_is_its_formula(alpha, gamma):
    logits = torch.linspace(-15, 15, 31, dtype=torch.float64)
    for target in (0.0, 1.0):
        found = focal_loss(logits, torch.full_like(logits, target), alpha=alpha, gamma=gamma)
        expected = [formula(logit, target, alpha, gamma) for logit in logits.tolist()]
        torch.testing.assert_close(
            found, torch.tensor(expected, dtype=torch.float64), rtol=1e-6, atol=1e-18
        )


def test_focal_loss_stays_finite_where_probabilities_are_0_or_1():
    logits = torch.tensor([-200.0, 200.0, -200.0, 200.0], requires_grad=True)
    targets = torch.tensor([0.0, 0.0, 1.0, 1.0])
    found = focal_loss(logits, targets)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.isfinite(logits.grad).all()
    assert found[0] == found[3] == 0


def test_smooth_l1_is_its_formula():
    gaps = torch.linspace(-2, 2, 41, dtype=torch.float64)
    beta = 0.5
    expected = torch.where(gaps.abs() < beta, gaps**2 / 2 / beta, gaps.abs() - beta / 2)
    torch.testing.assert_close(smooth_l1_loss(gaps, torch.zeros_like(gaps), beta=beta), expected)


def test_gradients_are_those_of_the_losses():
    logits = torch.randn(12, dtype=torch.float64, requires_grad=True)
    targets = (torch.rand(12) < 0.5).double()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets), (logits,))
    assert torch.autograd.gradcheck(lambda x: smooth_l1_loss(x, targets), (logits,))
