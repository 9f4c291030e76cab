import itertools
import math

import distribution_laws as laws
import numpy as np
import pytest
import radius_by_quadrature as oracle
import torch
from scipy import integrate
from torch.testing import assert_close

from gyrovox.distributions import Normal, RiemannianNormal, WrappedNormal, radius_law
from gyrovox.geometry import Euclidean, PoincareBall

# The grid of the statistical tests.
GRID = list(itertools.product([2, 3, 10], [0.05, 0.5, 3.0], [-0.1, -1.0, -4.0]))
each_of_the_grid = pytest.mark.parametrize(("dim", "sigma", "curvature"), GRID)


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def riemannian(dim, sigma, curvature):
    """A distribution about a mean beside the origin, and its scale."""
    scale = double([sigma]).requires_grad_()
    mean = 0.3 * torch.ones(dim, dtype=torch.float64)
    return RiemannianNormal(mean, scale, manifold=PoincareBall(curvature)), scale


@each_of_the_grid
def test_radius_and_direction_of_samples(dim, sigma, curvature):
    distribution, _ = riemannian(dim, sigma, curvature)
    laws.check_radius_and_direction(distribution, oracle.cdf_on_a_grid(sigma, curvature, dim))


@each_of_the_grid
def test_density_integrates_to_one(dim, sigma, curvature):
    _, low, high = oracle.bulk(sigma, curvature, dim)
    away = 0.3 * min(sigma, (-curvature) ** -0.5)
    mean = torch.zeros(dim, dtype=torch.float64)
    mean[0] = away / 2
    distribution = RiemannianNormal(mean, double([sigma]), manifold=PoincareBall(curvature))
    radii = (max(1e-9 * sigma, low - away), high + away)
    laws.check_density_is_one_in_any_dimension(distribution, curvature, radii)


@each_of_the_grid
def test_log_normaliser_agrees_with_30_digits(dim, sigma, curvature):
    distribution, _ = riemannian(dim, sigma, curvature)
    expected = float(oracle.log_normaliser(sigma, curvature, dim))
    assert distribution.log_normaliser.item() == pytest.approx(expected, rel=1e-13, abs=1e-12)


@each_of_the_grid
def test_mean_score_of_the_scale_is_zero(dim, sigma, curvature):
    scale = torch.full((2000, 1), sigma, dtype=torch.float64, requires_grad=True)
    mean = torch.full((dim,), 0.3, dtype=torch.float64)
    distribution = RiemannianNormal(mean, scale, manifold=PoincareBall(curvature))
    laws.check_score_has_mean_zero(distribution, scale)


@each_of_the_grid
def test_density_is_invariant_under_isometries(dim, sigma, curvature):
    distribution, scale = riemannian(dim, sigma, curvature)
    laws.check_invariance_under_isometries(RiemannianNormal, distribution, scale)


@each_of_the_grid
def test_radius_moves_with_scale_and_curvature_as_its_inverse_cdf(dim, sigma, curvature):
    scale, kappa = double([sigma]).requires_grad_(), double(curvature).requires_grad_()
    distribution = RiemannianNormal(
        torch.zeros(dim, dtype=torch.float64), scale, manifold=PoincareBall(kappa)
    )
    for code in distribution.rsample((2,)):
        radius = 2 * code.norm()  # the mean is at the origin
        by_scale, by_curvature = torch.autograd.grad(radius, (scale, kappa), retain_graph=True)
        share = oracle.cdf(radius.item(), sigma, curvature, dim)

        def moved(factor, other=1.0, share=share):
            return oracle.inverse_cdf(share, sigma * factor, curvature * other, dim)

        step = 1e-3
        slope = (moved(1 + step) - moved(1 - step)) / (2 * step * sigma)
        assert by_scale.item() == pytest.approx(slope, rel=1e-4)
        slope = (moved(1, 1 + step) - moved(1, 1 - step)) / (2 * step * curvature)
        assert by_curvature.item() == pytest.approx(slope, rel=1e-4, abs=1e-6 * sigma)


@pytest.mark.parametrize("dim", [2, 3, 10])
def test_gradients_of_samples_are_those_of_their_mean_square(dim):
    # E r² = σ³ d log Z / dσ: its derivatives by quadrature, and as the mean over samples.
    scale, kappa = double([0.8]).requires_grad_(), double(-1.5).requires_grad_()
    distribution = RiemannianNormal(
        torch.zeros(dim, dtype=torch.float64), scale, manifold=PoincareBall(kappa)
    )
    (slope,) = torch.autograd.grad(distribution.log_normaliser, scale, create_graph=True)
    expected = torch.autograd.grad((scale**3 * slope).sum(), (scale, kappa))
    several = scale.detach().expand(4000, 1).clone().requires_grad_()
    many = RiemannianNormal(distribution.mean_code, several, manifold=PoincareBall(kappa))
    square = (2 * many.rsample()).square().sum(-1)
    by_scale, by_curvature = torch.autograd.grad(square.sum(), (several, kappa))
    error = by_scale.std().item() / math.sqrt(4000)
    assert abs(by_scale.mean().item() - expected[0].item()) < 5 * error
    assert by_curvature.item() / 4000 == pytest.approx(expected[1].item(), rel=0.1)


@pytest.mark.parametrize("manifold", [PoincareBall(-1e-10), Euclidean()], ids=repr)
@pytest.mark.parametrize("dim", [1, 2, 3, 10])
def test_becomes_the_normal_as_curvature_vanishes(manifold, dim):
    mean, scale = 0.3 * torch.randn(4, dim, dtype=torch.float64), double([0.7])
    curved, flat = RiemannianNormal(mean, scale, manifold=manifold), Normal(mean, scale)
    codes = torch.randn(20, 4, dim, dtype=torch.float64)
    assert_close(curved.log_prob(codes), flat.log_prob(codes), rtol=1e-8, atol=1e-8)
    one = RiemannianNormal(mean[0], scale, manifold=manifold)
    if dim > 1:
        laws.check_radius_and_direction(one, oracle.cdf_on_a_grid(0.7, 0.0, dim))
    noise = (2 * (one.sample((4000,)) - mean[0]) / 0.7)[:, 0]
    assert abs(noise.mean().item()) < 5 / math.sqrt(4000)
    assert noise.var().item() == pytest.approx(1, abs=5 * math.sqrt(2 / 4000))


def test_becomes_the_wrapped_normal_as_the_scale_vanishes():
    mean, scale = double([0.4, -0.2]), double([1e-5])
    space = PoincareBall(-1.0)
    codes = WrappedNormal(mean, scale, manifold=space).sample((50,))
    one = RiemannianNormal(mean, scale, manifold=space).log_prob(codes)
    assert_close(one, WrappedNormal(mean, scale, manifold=space).log_prob(codes))


def test_density_has_its_gradients_in_everything_at_the_origin_too():
    codes = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    scale, kappa = double([0.7]).requires_grad_(), double(-1.3).requires_grad_()

    def density(mean, scale, kappa, codes):
        manifold = PoincareBall(kappa)
        return RiemannianNormal(mean, scale, manifold=manifold).log_prob(codes)

    for size in (0.0, 0.7):
        mean = torch.full((3,), size, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(density, (mean, scale, kappa, codes))


def test_samples_carry_gradients_of_mean_scale_and_curvature():
    mean = double([[0.5, 0.1], [0.0, 0.0]]).requires_grad_()
    scale, kappa = double([[0.3], [2.0]]).requires_grad_(), double(-1.0).requires_grad_()
    distribution = RiemannianNormal(mean, scale, manifold=PoincareBall(kappa))
    codes, log_prob = distribution.rsample_with_log_prob((6,))
    (codes.square().sum() + log_prob.sum()).backward()
    for leaf in (mean, scale, kappa):
        assert bool((leaf.grad.isfinite() & (leaf.grad != 0)).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_samples_fit_their_density(dtype):
    mean = torch.tensor([[0.6, -0.5, 0.4], [3.0, 0.0, 1.0]], dtype=dtype)
    scale = torch.tensor([[0.5], [1.5]], dtype=dtype)
    distribution = RiemannianNormal(mean, scale, manifold=PoincareBall(-1.0))
    assert distribution.sample().dtype == distribution.log_normaliser.dtype == dtype
    laws.check_samples_fit_their_density(distribution, 1e-3 if dtype == torch.float32 else 1e-11)


def test_far_means_stay_finite_in_float32():
    mean = torch.tensor([[8.0, 0.0], [30.0, 40.0], [0.0, 500.0]], requires_grad=True)
    scale = torch.full((3, 1), 1e-4, requires_grad=True)
    for factor in (1.0, 3e4):
        distribution = RiemannianNormal(mean, factor * scale, manifold=PoincareBall(-1.0))
        codes, log_prob = distribution.rsample_with_log_prob((100,))
        (codes.sum() + log_prob.sum()).backward()
        assert bool(codes.isfinite().all() & log_prob.isfinite().all())
        assert bool(mean.grad.isfinite().all() & scale.grad.isfinite().all())


def test_shapes_and_manners():
    distribution = RiemannianNormal(torch.zeros(4, 3), torch.ones(1), manifold=PoincareBall(-1.0))
    laws.check_shapes(distribution, (4,), (3,))
    laws.check_manners_of_torch(distribution)
    many = RiemannianNormal(torch.zeros(3), torch.ones(5, 4, 1), manifold=Euclidean())
    laws.check_shapes(many, (5, 4), (3,))
    laws.check_manners_of_torch(many)


def test_a_normalising_constant_is_computed_once_for_a_batch(monkeypatch):
    seen = []
    whole = radius_law.log_mass
    monkeypatch.setattr(
        radius_law, "log_mass", lambda q, dim: (seen.append(q.numel()), whole(q, dim))[1]
    )
    distribution = RiemannianNormal(torch.zeros(3), torch.ones(1), manifold=PoincareBall(-1.0))
    distribution.expand((50, 40)).log_prob(torch.zeros(50, 40, 3))
    assert seen == [1]


def test_a_scale_along_every_axis_is_refused():
    with pytest.raises(ValueError, match=r"must end in 1: .* shape \(4, 3\); take WrappedNormal"):
        RiemannianNormal(torch.zeros(3), torch.ones(4, 3), manifold=PoincareBall(-1.0))


def test_of_all_with_its_variance_it_has_the_most_entropy():
    # Against a wrapped normal with the same E r², by quadrature over the radius.
    sigma = 1.2
    _, low, high = oracle.bulk(sigma, -1.0, 2)
    r = np.linspace(low, high, 20001)
    codes = double(np.stack([r / 2, 0 * r], axis=-1))
    area = np.sinh(r) * 2 * np.pi

    def moments(distribution):
        log_density = distribution.log_prob(codes).numpy()
        mass = np.exp(log_density) * area
        return integrate.trapezoid(mass * r**2, r), -integrate.trapezoid(mass * log_density, r)

    zero, space = double([0.0, 0.0]), PoincareBall(-1.0)
    variance, entropy = moments(RiemannianNormal(zero, double([sigma]), manifold=space))
    wrapped = WrappedNormal(zero, double([math.sqrt(variance / 2)]), manifold=space)
    same, less = moments(wrapped)
    assert same == pytest.approx(variance, rel=1e-5)
    assert less < entropy


def test_a_batch_of_none_has_no_samples():
    none = RiemannianNormal(torch.zeros(0, 2), torch.ones(0, 1), manifold=PoincareBall(-1.0))
    codes, log_prob = none.rsample_with_log_prob((3,))
    assert codes.shape == (3, 0, 2)
    assert log_prob.shape == none.log_prob(codes).shape == (3, 0)
