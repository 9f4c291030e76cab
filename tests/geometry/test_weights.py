import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry.weights import normalised_weights


def test_weights_add_up_to_one():
    shares = normalised_weights(torch.zeros(2, 3, 5), torch.tensor([1.0, 1.0, 2.0]))
    assert_close(shares, torch.tensor([[0.25, 0.25, 0.5]] * 2, dtype=torch.float64))
    equal = normalised_weights(torch.zeros(4, 2), None)
    assert_close(equal, torch.full((4,), 0.25, dtype=torch.float64))


def test_a_mean_needs_a_point():
    with pytest.raises(ValueError, match=r"needs at least one point.*shape \(2, 0, 3\)"):
        normalised_weights(torch.zeros(2, 0, 3), None)


@pytest.mark.parametrize("wrong", [[-1.0, 2.0], [0.0, 0.0], [float("nan"), 1.0]])
def test_weights_must_weigh(wrong):
    with pytest.raises(ValueError, match="must be finite, not negative and not all 0"):
        normalised_weights(torch.zeros(2, 3), torch.tensor(wrong))


def test_shares_have_gradients():
    weights = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: normalised_weights(torch.zeros(3, 2), w), (weights,))
