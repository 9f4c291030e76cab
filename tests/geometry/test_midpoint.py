import ball_in_60_digits as exact
import pytest
import torch
from compile_laws import check_compiles
from torch.testing import assert_close

from gyrovox.geometry import codes, einstein_midpoint

CURVATURES = [-0.1, -1.0, -4.0]


def reference(u, weights, curvature):
    entries = exact.code_einstein_midpoint(weights.tolist(), *u.tolist(), curvature=curvature)
    return torch.tensor([float(entry) for entry in entries], dtype=torch.float64)


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("spread", [1e-6, 0.3, 2.0, 6.0])
def test_agrees_with_60_digits(spread, curvature):
    u = spread * torch.randn(7, 3, dtype=torch.float64) * (-curvature) ** -0.5
    weights = torch.rand(7, dtype=torch.float64)
    result = einstein_midpoint(u, weights, curvature=curvature)
    expected = reference(u, weights, curvature)
    assert_close(result, expected, rtol=1e-10, atol=1e-11 * float(u.norm(dim=-1).max()))


@pytest.mark.parametrize("far", [5.0, 8.0])
def test_far_out_nothing_cancels(far):
    # On the hyperboloid these are differences of numbers that agree in all their digits.
    u = far * torch.tensor([[0.6, 0.8]], dtype=torch.float64) + 0.1 * torch.randn(5, 2)
    weights = torch.rand(5, dtype=torch.float64)
    assert_close(einstein_midpoint(u, weights), reference(u, weights, -1.0), rtol=1e-13, atol=1e-13)


def test_moves_with_isometries():
    u, shift = torch.randn(6, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    weights = torch.rand(6, dtype=torch.float64)
    moved = einstein_midpoint(codes.add(shift, u), weights)
    assert_close(moved, codes.add(shift, einstein_midpoint(u, weights)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.5, 3.0])
def test_gradients(spread, curvature):
    u = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([0.3, 0.0, 1.0, 0.7], dtype=torch.float64)
    kappa = torch.tensor(curvature, dtype=torch.float64, requires_grad=True)
    scale = spread * (-curvature) ** -0.5

    def midpoint(u, weights, kappa):
        # A weight of 0 has a slope too; the step of gradcheck would make it negative.
        return einstein_midpoint(scale * u, 1e-3 + weights, curvature=kappa)

    given = (u, weights.requires_grad_(), kappa)
    assert torch.autograd.gradcheck(midpoint, given, rtol=1e-4)
    slope = torch.autograd.grad(
        einstein_midpoint(scale * u, weights, curvature=kappa).sum(), weights
    )
    assert bool(slope[0].isfinite().all())


def test_a_point_without_weight_does_not_count_however_far():
    u = torch.tensor([[0.5, 0.0], [0.5, 0.0], [900.0, 3.0]], requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 0.0])
    result = einstein_midpoint(u, weights)
    assert_close(result, u[0].detach())
    (slope,) = torch.autograd.grad(result.sum(), u)
    assert bool(slope.isfinite().all())


def test_batches_and_dtypes():
    u, weights = torch.randn(2, 3, 7, 2), torch.rand(3, 7)
    means = einstein_midpoint(u, weights)
    assert means.dtype == torch.float32
    for i in range(2):
        for j in range(3):
            assert_close(means[i, j], einstein_midpoint(u[i, j], weights[j]))


@pytest.mark.no_cover
def test_compiles_without_graph_breaks():
    given = torch.randn(2, 5, 3, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    check_compiles(lambda geometry: geometry.einstein_midpoint, given, curvature=-1.3)


def test_a_second_derivative_is_refused():
    u = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(einstein_midpoint(u).sum(), u, create_graph=True)
    with pytest.raises(RuntimeError, match="must be differentiated once"):
        slope.sum().backward()
    # By this road a second derivative of 0 used to come back, and no error.
    with pytest.raises(RuntimeError, match="must be differentiated once"):
        torch.autograd.functional.hessian(lambda u: einstein_midpoint(u).sum(), u.detach())


@pytest.mark.parametrize(("far", "tolerance"), [(10.0, 1e-11), (20.0, 1e-7), (25.0, 1e-4)])
def test_one_point_far_from_all_others_draws_the_midpoint_half_way(far, tolerance):
    # At 25 it used to come out at 600.
    u = torch.tensor([[far * 0.6, far * 0.8], [1.0, -2.0], [0.5, 0.3]], dtype=torch.float64)
    expected = reference(u, torch.ones(3), -1.0)
    assert float(codes.distance(einstein_midpoint(u), expected)) < tolerance


def test_maps_over_batches_and_has_its_jacobian():
    u = torch.randn(3, 5, 2, dtype=torch.float64)
    assert_close(torch.func.vmap(einstein_midpoint)(u), einstein_midpoint(u))
    expected = torch.autograd.functional.jacobian(einstein_midpoint, u[0])
    assert_close(torch.func.jacrev(einstein_midpoint)(u[0]), expected)
