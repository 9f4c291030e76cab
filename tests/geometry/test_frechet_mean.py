import mpmath
import pytest
import torch
from torch.testing import assert_close

from gyrovox.geometry import MeanConvergenceError, codes
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
