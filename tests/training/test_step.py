import pytest
import torch

from gyrovox.models import Evidence
from gyrovox.settings import TrainingSettings
from gyrovox.training import Step
from gyrovox.training.step import step_loss


def test_the_loss_is_the_negative_elbo_and_the_weighted_triplet_loss():
    parts = Evidence(torch.tensor([-3.0, -5.0]), torch.tensor([1.0, 2.0]))
    settings = TrainingSettings(kl_weight=0.5, triplet_weight=10.0)
    found = step_loss(parts, torch.tensor(0.3), settings)
    assert found.reconstruction == -4
    assert found.divergence == 1.5
    assert found.triplet == pytest.approx(0.3)
    assert found.total == pytest.approx(4 + 0.5 * 1.5 + 10 * 0.3)


def test_a_step_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Step()
