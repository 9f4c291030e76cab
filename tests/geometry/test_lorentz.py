import ball_in_60_digits as exact
import pytest
import slope_laws as laws
import torch
from compile_laws import check_compiles
from torch.testing import assert_close

from gyrovox.geometry import lorentz

TOLERANCE = {torch.float32: 1e-6, torch.float64: 2e-15}


@pytest.fixture(params=TOLERANCE, ids=str)
def dtype(request):
    return request.param


@pytest.fixture(params=[-0.1, -1.0, -4.0])
def curvature(request):
    return request.param


def codes(curvature, dtype):
    size = torch.logspace(-8, 1, 19, dtype=torch.float64).unsqueeze(-1)
    direction = torch.nn.functional.normalize(torch.randn(19, 3, dtype=torch.float64), dim=-1)
    return (size * direction * (-curvature) ** -0.5).to(dtype)


def test_lift_agrees_with_60_digits(curvature, dtype):
    u = codes(curvature, dtype)
    rows = [exact.lift(row, curvature=curvature) for row in u.tolist()]
    expected = torch.tensor([[float(e) for e in row] for row in rows], dtype=torch.float64)
    gap = (lorentz.lift(u, curvature=curvature).double() - expected).norm(dim=-1)
    # exp(2t) turns the rounding of 2t ≤ 20 into as much relative error.
    size = expected.norm(dim=-1) * (1 + expected[:, -1].log())
    assert bool((gap <= TOLERANCE[dtype] * size).all())


def test_lift_lies_on_the_hyperboloid(curvature):
    u = codes(curvature, torch.float64)[:-4]
    lifted = lorentz.lift(u, curvature=curvature)
    product = lifted[:, :-1].square().sum(-1) - lifted[:, -1].square()
    assert_close(product, -torch.ones_like(product), rtol=0, atol=1e-10)


def test_lower_inverts_lift_at_any_distance(curvature, dtype):
    u = codes(curvature, dtype)
    there_and_back = lorentz.lower(lorentz.lift(u, curvature=curvature), curvature=curvature)
    gap = (there_and_back - u).norm(dim=-1)
    assert bool((gap <= 2 * TOLERANCE[dtype] * u.norm(dim=-1)).all())


def test_gradients_are_right_at_the_origin(curvature):
    zero = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda u: lorentz.lift(u, curvature=curvature), (zero,))
    base = lorentz.lift(zero, curvature=curvature).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: lorentz.lower(p, curvature=curvature), (base,))


@pytest.mark.parametrize("size", [1e-6, 0.02, 1.0, 5.0])
def test_slopes_agree_with_60_digits(size, curvature, dtype):
    u = (size * torch.tensor([0.6, 0.8], dtype=dtype)) * (-curvature) ** -0.5
    tolerance = 40 * TOLERANCE[dtype]
    laws.check_slopes(lorentz.lift, exact.lift, [u], curvature=curvature, tolerance=tolerance)


def test_there_and_back_the_curvature_leaves_no_slope(curvature):
    kappa = torch.tensor(curvature, dtype=torch.float64, requires_grad=True)
    u = codes(curvature, torch.float64)[:-3].requires_grad_()
    back = lorentz.lower(lorentz.lift(u, curvature=kappa), curvature=kappa)
    slopes = torch.autograd.grad(back.sum(), (u, kappa))
    assert_close(slopes[0], torch.ones_like(u), rtol=1e-9, atol=1e-9)
    assert abs(slopes[1].item()) < 1e-12 / -curvature * float(u.detach().abs().sum())


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["lift", "lower"])
def test_compiles_without_graph_breaks(name):
    given = [torch.randn(4, 3, dtype=torch.float64)]
    check_compiles(lambda geometry: vars(geometry.lorentz)[name], given, curvature=-1.3)
