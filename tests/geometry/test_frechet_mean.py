import ball_in_60_digits as exact
import mpmath
import pytest
import torch
from compile_laws import check_compiles
from torch.testing import assert_close

from gyrovox.geometry import MeanConvergenceError, codes, frechet_mean_report
from gyrovox.geometry.frechet_mean import frechet_mean


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
@pytest.mark.parametrize("spread", [1e-6, 0.3, 2.0, 6.0])
def test_the_slope_of_the_squared_distances_is_zero(spread, curvature):
    scale = spread * (-curvature) ** -0.5
    u = scale * torch.randn(30, 3, dtype=torch.float64)
    weights = torch.rand(30, dtype=torch.float64)
    # log_m(x), summed, is the slope: no autograd of ours.
    mean = frechet_mean(u, weights, curvature=curvature)
    pull = (weights.unsqueeze(-1) * codes.add(-mean, u, curvature=curvature)).sum(0)
    assert float(pull.norm()) < 1e-8 * scale * max(1, 2.718 ** (2 * float(mean.norm() / scale)))


def test_no_other_point_is_better():
    u = torch.randn(20, 2, dtype=torch.float64)
    mean = frechet_mean(u)

    def spread(m):
        return float(codes.distance(m, u).square().sum())

    assert all(spread(mean) < spread(mean + 1e-3 * torch.randn(2)) for _ in range(50))


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
def test_the_mean_of_two_points_is_their_midpoint(curvature):
    scale = (-curvature) ** -0.5
    u, w = (scale * torch.randn(2, dtype=torch.float64) for _ in range(2))
    mean = frechet_mean(torch.stack((u, w)), curvature=curvature)
    half = codes.distance(u, w, curvature=curvature) / 2
    for end in (u, w):
        assert_close(codes.distance(mean, end, curvature=curvature), half, rtol=1e-8, atol=0)


def test_weights_on_a_line_agree_with_60_digits():
    # On one ray through the origin the mean is the flat one.
    along = torch.tensor([0.1, 2.5, 4.0], dtype=torch.float64)
    weights = [0.2, 0.5, 0.3]
    u = along.unsqueeze(-1) * torch.tensor([0.6, 0.8], dtype=torch.float64)
    with mpmath.workdps(60):
        expected = float(mpmath.fdot(along.tolist(), weights))
    mean = frechet_mean(u, torch.tensor(weights))
    assert float(mean.norm()) == pytest.approx(expected, rel=1e-7)


def test_batches_are_means_by_themselves():
    u, weights = torch.randn(2, 3, 7, 2), torch.rand(2, 3, 7)
    means = frechet_mean(u, weights)
    assert means.dtype == torch.float32
    for i in range(2):
        for j in range(3):
            assert_close(means[i, j], frechet_mean(u[i, j], weights[i, j]))


def test_far_codes_do_not_overflow():
    u = torch.tensor([[900.0, 0.0], [900.0, 1.0], [899.0, 0.0]])
    mean = frechet_mean(u)
    assert bool(mean.isfinite().all())
    assert float(mean[0]) < 900


def test_one_point_is_its_own_mean():
    u = torch.randn(1, 3, dtype=torch.float64)
    assert_close(frechet_mean(u), u[0])
    assert_close(frechet_mean(u.expand(5, 3)), u[0])


def test_too_few_steps_are_said():
    u = 3 * torch.randn(20, 2, dtype=torch.float64)
    with pytest.raises(MeanConvergenceError, match=r"within max_steps=1.*Raise max_steps"):
        frechet_mean(u, max_steps=1)


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
@pytest.mark.parametrize(("far", "spread"), [(0.0, 1e-3), (0.0, 1.0), (3.0, 0.5), (8.0, 0.1)])
def test_agrees_with_60_digits(far, spread, curvature):
    scale = (-curvature) ** -0.5
    u = scale * (
        far * torch.tensor([0.6, 0.8], dtype=torch.float64)
        + spread * torch.randn(4, 2, dtype=torch.float64)
    )
    weights = torch.rand(4, dtype=torch.float64)
    result = frechet_mean(u, weights, curvature=curvature)
    entries = exact.code_frechet_mean(weights.tolist(), *u.tolist(), curvature=curvature)
    expected = torch.tensor([float(entry) for entry in entries], dtype=torch.float64)
    assert_close(result, expected, rtol=1e-9, atol=1e-9 * scale * spread)


@pytest.mark.no_cover
@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
@pytest.mark.parametrize("spread", [0.0, 1e-4, 0.5, 3.0])
def test_gradients_agree_with_differences(spread, curvature):
    u = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(4, dtype=torch.float64, requires_grad=True)
    kappa = torch.tensor(curvature, dtype=torch.float64, requires_grad=True)
    scale = spread * (-curvature) ** -0.5

    def mean(u, weights, kappa):
        return frechet_mean(scale * u, weights, curvature=kappa, tolerance=1e-13)

    # Along a random direction of each: one by one they would take 26 means.
    assert torch.autograd.gradcheck(mean, (u, weights, kappa), rtol=1e-4, fast_mode=True)


def test_the_gradient_does_not_wait_for_the_last_digits():
    # A loose tolerance leaves an error of its size, not one of the steps left out.
    u = 2 * torch.randn(6, 2, dtype=torch.float64)
    slopes = []
    for tolerance in (1e-13, 1e-4):
        given = u.clone().requires_grad_()
        slopes.append(torch.autograd.grad(frechet_mean(given, tolerance=tolerance).sum(), given)[0])
    assert_close(slopes[1], slopes[0], rtol=0, atol=1e-3)


def test_a_second_derivative_is_refused():
    u = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(frechet_mean(u).sum(), u, create_graph=True)
    with pytest.raises(RuntimeError, match="must be differentiated once"):
        slope.sum().backward()


def test_slopes_of_far_codes_are_finite():
    u = torch.tensor([[900.0, 0.0], [900.0, 1.0], [899.0, 0.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(frechet_mean(u).sum(), u)
    assert bool(slope.isfinite().all())


def test_the_report_says_how_the_mean_was_found():
    u = torch.randn(3, 20, 2, dtype=torch.float64)
    report = frechet_mean_report(u)
    assert report.converged
    assert 1 < report.steps < 100
    assert report.movement.shape == (3,)
    assert float(report.movement.max()) < 1e-9
    assert_close(report.mean, frechet_mean(u))
    short = frechet_mean_report(u, max_steps=1)
    assert (short.steps, short.converged) == (1, False)
    assert float(short.movement.max()) > 1e-3


def test_a_number_of_steps_needs_no_check():
    u = 0.5 * torch.randn(20, 2, dtype=torch.float64)
    few, many = (frechet_mean(u, tolerance=None, max_steps=steps) for steps in (1, 12))
    assert_close(many, frechet_mean(u), rtol=0, atol=1e-10)
    assert 0 < float((few - many).norm()) < 1e-2


@pytest.mark.no_cover
def test_compiles_without_graph_breaks():
    given = torch.randn(2, 5, 3, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    check_compiles(
        lambda geometry: geometry.frechet_mean.frechet_mean,
        given,
        curvature=-1.3,
        tolerance=None,
        max_steps=1,
    )


def test_far_points_have_a_mean_between_them():
    # At 75 from the origin the first step used to end outside, and was said to have converged.
    u = [
        [1.0469, 0.9258],
        [0.3594, 3.7188],
        [-0.4297, -0.334],
        [-1.8438, 0.0947],
        [-1.4766, 0.7461],
    ]
    u = 10 * torch.tensor(u).bfloat16().double()
    mean = frechet_mean(u)
    pull = codes.add(-mean, u).mean(0)
    assert float(mean.norm()) < 1 < float(u.norm(dim=-1).max())
    assert float(pull.norm()) < 1e-8
