import itertools
import math

import distribution_laws as laws
import pytest
import torch
from scipy import stats
from torch.testing import assert_close

from gyrovox.distributions import Normal, WrappedNormal
from gyrovox.geometry import Euclidean, PoincareBall

MANIFOLDS = [PoincareBall(-0.1), PoincareBall(-1.0), PoincareBall(-4.0), Euclidean()]
SCALES = {"isotropic": [0.6], "diagonal": [0.4, 0.9, 0.6]}


@pytest.fixture(params=MANIFOLDS, ids=repr)
def space(request):
    return request.param


@pytest.fixture(params=SCALES)
def scales(request):
    return SCALES[request.param]


@pytest.fixture(params=[2, 3], ids=lambda dim: f"dim={dim}")
def dim(request):
    return request.param


def wrapped(space, scales, dim, dtype=torch.float64, far=0.5):
    mean = torch.tensor([0.6, -0.5, 0.4], dtype=dtype)[:dim] * far
    scale = torch.tensor(scales, dtype=dtype)[: max(1, min(dim, len(scales)))]
    return WrappedNormal(mean, scale, manifold=space), scale


def area_of_a_sphere(space, dim):
    root = (-space.curvature) ** 0.5
    return lambda r: (torch.sinh(root * r) / root if root else r) ** (dim - 1)


def test_density_integrates_to_one(space, scales, dim):
    distribution, _ = wrapped(space, scales, dim, far=0.3)
    area = area_of_a_sphere(space, dim)
    laws.check_density_integrates_to_one(distribution, area, radius=9.0, tolerance=1e-6)


def test_mahalanobis_is_chi_squared(space, scales, dim):
    distribution, scale = wrapped(space, scales, dim)
    laws.check_mahalanobis_is_chi_squared(distribution, space, scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_samples_fit_their_density(space, scales, dim, dtype):
    distribution, _ = wrapped(space, scales, dim, dtype)
    tolerance = 2e-4 if dtype == torch.float32 else 1e-11
    laws.check_samples_fit_their_density(distribution, tolerance)


def test_mean_log_density_has_no_slope_in_scale(space, scales, dim):
    _, scale = wrapped(space, scales, dim)
    scale.requires_grad_()
    mean = torch.full((dim,), 0.2, dtype=torch.float64)
    distribution = WrappedNormal(mean, scale, manifold=space)
    laws.check_mean_log_density_has_no_slope_in_scale(distribution, scale)


def test_becomes_the_euclidean_twin_as_curvature_vanishes(scales, dim):
    curved, scale = wrapped(PoincareBall(-1e-10), scales, dim)
    flat = Normal(curved.mean_code, scale)
    codes = torch.randn(20, dim, dtype=torch.float64)
    assert_close(curved.log_prob(codes), flat.log_prob(codes), rtol=1e-8, atol=1e-8)
    torch.manual_seed(1)
    curved_codes, curved_log_prob = curved.rsample_with_log_prob((5,))
    torch.manual_seed(1)
    flat_codes, flat_log_prob = flat.rsample_with_log_prob((5,))
    assert_close(curved_codes, flat_codes, rtol=1e-8, atol=1e-8)
    assert_close(curved_log_prob, flat_log_prob, rtol=1e-8, atol=1e-8)


def test_euclidean_twin_is_the_normal_of_torch_with_half_the_scale(scales, dim):
    _, scale = wrapped(Euclidean(), scales, dim)
    mean, codes = torch.randn(dim, dtype=torch.float64), torch.randn(7, dim, dtype=torch.float64)
    ours = Normal(mean, scale).log_prob(codes)
    theirs = torch.distributions.Normal(mean, (scale / 2).expand(dim)).log_prob(codes).sum(-1)
    # Per volume of the metric 4 I, which is 2^d times that of the coordinates.
    assert_close(ours, theirs - dim * math.log(2))


def test_gradients_reach_mean_and_scale_at_the_origin_too(space, scales, dim):
    scale = torch.tensor(scales, dtype=torch.float64)[: max(1, min(dim, len(scales)))]
    scale.requires_grad_()

    def sample(mean, scale):
        torch.manual_seed(3)
        return WrappedNormal(mean, scale, manifold=space).rsample_with_log_prob((2,))

    def density(mean, scale, codes):
        return WrappedNormal(mean, scale, manifold=space).log_prob(codes)

    codes = torch.randn(2, dim, dtype=torch.float64, requires_grad=True)
    for size in (0.0, 0.7):
        mean = torch.full((dim,), size, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(sample, (mean, scale))
        assert torch.autograd.gradcheck(density, (mean, scale, codes))


def test_far_means_stay_finite_in_float32():
    mean = torch.tensor([[8.0, 0.0], [30.0, 40.0], [0.0, 500.0]], requires_grad=True)
    distribution = WrappedNormal(mean, torch.ones(3, 1), manifold=PoincareBall(-1.0))
    codes, log_prob = distribution.rsample_with_log_prob((100,))
    (codes.sum() + log_prob.sum()).backward()
    assert bool(codes.isfinite().all() & log_prob.isfinite().all() & mean.grad.isfinite().all())


def test_shapes(space, scales):
    mean = torch.zeros(4, 3)
    distribution = WrappedNormal(mean, torch.tensor(scales), manifold=space)
    laws.check_shapes(distribution, (4,), (3,))
    many = WrappedNormal(torch.zeros(3), torch.ones(5, 4, len(scales)), manifold=space)
    laws.check_shapes(many, (5, 4), (3,))


# The grid of the statistical tests.
GRID = list(itertools.product([2, 3, 10], [0.05, 0.5, 3.0], [-0.1, -1.0, -4.0]))
each_of_the_grid = pytest.mark.parametrize(("dim", "sigma", "curvature"), GRID)


def on_the_grid(dim, sigma, curvature, shape=(1,)):
    mean = 0.3 * torch.ones(dim, dtype=torch.float64)
    scale = torch.full(shape, sigma, dtype=torch.float64, requires_grad=True)
    return WrappedNormal(mean, scale, manifold=PoincareBall(curvature)), scale


@each_of_the_grid
def test_radius_and_direction_of_samples(dim, sigma, curvature):
    distribution, _ = on_the_grid(dim, sigma, curvature)
    laws.check_radius_and_direction(distribution, stats.chi(dim, scale=sigma).cdf)


@each_of_the_grid
def test_mahalanobis_of_diagonal_scales_is_chi_squared(dim, sigma, curvature):
    scale = sigma * torch.linspace(0.5, 1.5, dim, dtype=torch.float64)
    space, mean = PoincareBall(curvature), 0.3 * torch.ones(dim, dtype=torch.float64)
    distribution = WrappedNormal(mean, scale, manifold=space)
    laws.check_mahalanobis_is_chi_squared(distribution, space, scale)


@each_of_the_grid
def test_density_of_the_grid_integrates_to_one(dim, sigma, curvature):
    away = 0.3 * min(sigma, (-curvature) ** -0.5)
    mean = torch.zeros(dim, dtype=torch.float64)
    mean[0] = away / 2
    scale = torch.tensor([sigma], dtype=torch.float64)
    distribution = WrappedNormal(mean, scale, manifold=PoincareBall(curvature))
    radii = (1e-9 * sigma, (9 + dim**0.5) * sigma)
    laws.check_density_is_one_in_any_dimension(distribution, curvature, radii)


@each_of_the_grid
def test_mean_score_of_the_scale_is_zero(dim, sigma, curvature):
    for scales in (1, dim):
        distribution, scale = on_the_grid(dim, sigma, curvature, (2000, scales))
        laws.check_score_has_mean_zero(distribution, scale)


@each_of_the_grid
def test_density_of_the_grid_is_invariant_under_isometries(dim, sigma, curvature):
    distribution, scale = on_the_grid(dim, sigma, curvature)
    laws.check_invariance_under_isometries(WrappedNormal, distribution, scale)


def test_a_curvature_that_is_a_tensor_gets_its_gradient():
    kappa = torch.tensor(-1.3, dtype=torch.float64, requires_grad=True)
    mean = torch.tensor([0.4, -0.2, 0.9], dtype=torch.float64)
    codes = torch.randn(5, 3, dtype=torch.float64)
    for scales in ([0.6], [0.4, 0.9, 0.6]):

        def walked(kappa, scales=scales):
            scale = torch.tensor(scales, dtype=torch.float64)
            torch.manual_seed(3)
            distribution = WrappedNormal(mean, scale, manifold=PoincareBall(kappa))
            return *distribution.rsample_with_log_prob((4,)), distribution.log_prob(codes)

        assert torch.autograd.gradcheck(walked, kappa)
