import mpmath
import pytest
import torch
from compile_laws import check_compiles

from gyrovox.geometry.room import room_of


def exact(x, curvature):
    with mpmath.workdps(60):
        square = mpmath.fsum(mpmath.mpf(entry) ** 2 for entry in x.tolist())
        return float(1 + mpmath.mpf(curvature) * square)


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
@pytest.mark.parametrize("room", [1.0, 0.3, 1e-3, 1e-5, 1e-7])
def test_float32_keeps_every_digit(room, curvature):
    direction = torch.nn.functional.normalize(torch.randn(20, 3, dtype=torch.float64), dim=-1)
    x = (direction * (1 - room) * (-curvature) ** -0.5).float()
    result = room_of(x, curvature=curvature)
    assert result.dtype == torch.float32
    assert result.shape == (20, 1)
    expected = [exact(row, curvature) for row in x]
    # Float64's rounding, seen from 1e-7.
    assert result.squeeze(-1).tolist() == pytest.approx(expected, rel=1e-7)


def test_float64_keeps_what_its_rounding_leaves():
    x = torch.tensor([[0.6, 0.8 - 1e-8]], dtype=torch.float64)
    assert room_of(x, curvature=-1.0).item() == pytest.approx(exact(x[0], -1.0), rel=1e-7)


def test_slopes(seed):
    kappa = torch.tensor(-1.3, dtype=torch.float64, requires_grad=True)
    for x in (torch.zeros(2, 3), torch.rand(2, 3)):
        given = x.double().requires_grad_(), kappa
        assert torch.autograd.gradcheck(lambda x, kappa: room_of(x, curvature=kappa), given)


@pytest.mark.no_cover
def test_compiles_without_graph_breaks():
    x = torch.rand(2, 3, dtype=torch.float64)
    check_compiles(lambda geometry: geometry.room.room_of, [x], curvature=-0.7)
