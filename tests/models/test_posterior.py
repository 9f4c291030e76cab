import math

import pytest
import torch

from gyrovox.models.posterior import SMALLEST_SCALE, positive


@pytest.mark.parametrize("raw", [-50.0, -2.0, 0.0, 3.0, 80.0])
def test_a_scale_is_the_softplus_above_the_smallest(raw):
    found = positive(torch.tensor([raw], dtype=torch.float64)).item()
    softplus = raw if raw > 30 else math.log1p(math.exp(raw))
    assert found == pytest.approx(softplus + SMALLEST_SCALE, rel=1e-6)


def test_no_scale_is_0_however_far_it_is_pushed():
    raw = torch.tensor([-1e30, -200.0, 1e30], requires_grad=True)
    scale = positive(raw)
    scale.log().sum().backward()
    assert (scale >= SMALLEST_SCALE).all()
    assert raw.grad.isfinite().all()
