"""Laws that every distribution over codes keeps: plain functions, run over families and scales."""

import math

import numpy as np
import torch
from scipy import stats
from torch.testing import assert_close


def sphere_of_directions(dim, order):
    """Directions (n, dim) and weights that integrate over the unit sphere, dim = 2 or 3."""
    angle = torch.arange(2 * order, dtype=torch.float64) * (math.pi / order)
    circle = torch.stack((angle.cos(), angle.sin()), dim=-1)
    if dim == 2:
        return circle, torch.full_like(angle, math.pi / order)
    height, weight = np.polynomial.legendre.leggauss(order)
    height, weight = torch.tensor(height), torch.tensor(weight)
    wide = (1 - height.square()).sqrt()
    around = wide[:, None, None] * circle
    up = height[:, None, None].expand(-1, len(angle), 1)
    directions = torch.cat((around, up), dim=-1).flatten(0, 1)
    return directions, (weight[:, None] * (math.pi / order)).expand(-1, len(angle)).flatten()


def check_density_integrates_to_one(distribution, area, radius, tolerance):
    """Polar quadrature around the origin: ∫ p(r, θ) area(r) dr dθ over Riemannian radii r.

    `area(r)` is the area of a geodesic sphere of radius r over that of the unit sphere, from the
    textbook and not from the package.
    """
    (dim,) = distribution.event_shape
    nodes, weights = np.polynomial.legendre.leggauss(160)
    r, weights = torch.tensor(nodes + 1) * (radius / 2), torch.tensor(weights) * (radius / 2)
    directions, solid = sphere_of_directions(dim, 40)
    codes = (r[:, None, None] / 2) * directions
    density = distribution.log_prob(codes).exp()
    total = (density * solid).sum(-1) @ (area(r) * weights)
    assert abs(float(total) - 1) < tolerance


def log_area(radius, curvature, dim):
    """Logarithm of the area of a geodesic sphere over that of the flat unit sphere, as text."""
    root = (-curvature) ** 0.5
    if not root:
        return (dim - 1) * np.log(radius)
    # sinh overflows from 710 on.
    size = root * radius
    return (dim - 1) * (size + np.log(-np.expm1(-2 * size)) - np.log(2 * root))


def check_density_is_one_in_any_dimension(distribution, curvature, radii):
    """∫ p over radii and the angle to the mean, which lies on the first axis: any dimension."""
    (dim,) = distribution.event_shape
    nodes, weights = np.polynomial.legendre.leggauss(200)
    low, high = radii
    r, of_r = low + (nodes + 1) * (high - low) / 2, weights * (high - low) / 2
    angle, of_angle = (nodes + 1) * (math.pi / 2), weights * (math.pi / 2)
    # The circles of dimension dim − 2 around the axis; two points in the plane.
    log_circle = math.log(2) + (dim - 1) / 2 * math.log(math.pi) - math.lgamma((dim - 1) / 2)
    log_solid = log_circle + (dim - 2) * np.log(np.sin(angle))
    codes = np.zeros((len(r), len(angle), dim))
    codes[..., 0] = r[:, None] / 2 * np.cos(angle)
    codes[..., 1] = r[:, None] / 2 * np.sin(angle)
    log_density = distribution.log_prob(torch.tensor(codes)).numpy()
    log_mass = log_density + log_area(r, curvature, dim)[:, None] + log_solid
    assert abs(of_r @ np.exp(log_mass) @ of_angle - 1) < 1e-8


def tangent_vectors(distribution, codes):
    """v = λ_μ log_μ(z), read back from samples."""
    return 2 * distribution.manifold.code_add(-distribution.mean_code, codes)


def check_radius_and_direction(distribution, radius_cdf):
    """The law of the radius, directions uniform on the sphere, and independence of the two.

    Reject at p < 1e-4. Isotropic distributions of no batch.
    """
    (dim,) = distribution.event_shape
    count = 2000
    v = tangent_vectors(distribution, distribution.sample((count,))).numpy()
    radius = np.linalg.norm(v, axis=-1)
    direction = v / radius[:, None]
    p_values = {"radius": stats.kstest(radius, radius_cdf).pvalue}
    # Rayleigh's test: the squared length of the sum of directions.
    shift = dim * count * np.square(direction.mean(0)).sum()
    p_values["shift"] = stats.chi2(dim).sf(shift)
    share = stats.beta(0.5, (dim - 1) / 2).cdf
    for axis in (0, dim - 1):
        towards = direction[:, axis]
        p_values["square", axis] = stats.kstest(towards**2, share).pvalue
        p_values["radius by direction", axis] = stats.spearmanr(radius, towards).pvalue
        p_values["radius by axis", axis] = stats.spearmanr(radius, towards**2).pvalue
    assert min(p_values.values()) > 1e-4, p_values


def check_score_has_mean_zero(distribution, scale):
    """E[∂ log p / ∂ log σ] = 0 over samples held fixed, within 4.5 standard errors."""
    # A batch of one scale again and again gives every sample's own score.
    (count,) = distribution.batch_shape
    codes = distribution.sample()
    (slope,) = torch.autograd.grad(distribution.log_prob(codes).sum(), scale)
    score = slope * scale.detach()
    error = score.std(0) * math.sqrt(count)
    assert bool((score.sum(0).abs() < 4.5 * error).all())


def check_invariance_under_isometries(family, distribution, scale):
    """log p is what it was after mean and codes are turned and carried along."""
    (dim,) = distribution.event_shape
    space, codes = distribution.manifold, distribution.sample((50,))
    shift = torch.linspace(0.3, -0.2, dim, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(dim, dim, dtype=torch.float64))

    def moved(u):
        return space.code_add(shift, u @ turn)

    elsewhere = family(moved(distribution.mean_code), scale, manifold=space)
    assert_close(
        elsewhere.log_prob(moved(codes)), distribution.log_prob(codes), rtol=1e-9, atol=1e-9
    )


def check_manners_of_torch(distribution):
    """What code that takes any distribution of torch.distributions relies on."""
    (dim,) = distribution.event_shape
    assert isinstance(distribution, torch.distributions.Distribution)
    assert distribution.has_rsample
    codes = distribution.sample((3,))
    assert not codes.requires_grad
    assert bool(distribution.support.check(codes).all())
    assert distribution.support.event_dim == 1
    for name, constraint in distribution.arg_constraints.items():
        assert bool(constraint.check(vars(distribution)[name]).all())
    assert distribution.mean.shape == distribution.mode.shape
    assert distribution.mean.shape == distribution.batch_shape + distribution.event_shape
    larger = distribution.expand((5, *distribution.batch_shape))
    assert type(larger) is type(distribution)
    assert larger.batch_shape == (5, *distribution.batch_shape)
    assert larger.sample((2,)).shape == (2, 5, *distribution.batch_shape, dim)
    codes = larger.sample()
    assert_close(larger.log_prob(codes), distribution.log_prob(codes))
    none = distribution.sample((0,))
    assert distribution.log_prob(none).shape == (0, *distribution.batch_shape)
    assert larger.expand((0, *larger.batch_shape)).sample().numel() == 0
    independent = torch.distributions.Independent(larger, 1)
    assert_close(independent.log_prob(codes), larger.log_prob(codes).sum(-1))


def check_samples_fit_their_density(distribution, tolerance):
    codes, log_prob = distribution.rsample_with_log_prob((200,))
    assert_close(distribution.log_prob(codes), log_prob, rtol=tolerance, atol=tolerance)


def check_mahalanobis_is_chi_squared(distribution, manifold, scale):
    """v = λ_μ log_μ(z), read back from the samples, has Mahalanobis² ~ χ²_d; reject at 1e-4."""
    (dim,) = distribution.event_shape
    codes = distribution.rsample((2000,))
    v = 2 * manifold.code_add(-distribution.mean_code, codes)
    squared = (v / scale).square().sum(-1)
    assert stats.kstest(squared.numpy(), stats.chi2(dim).cdf).pvalue > 1e-4
    # Every coordinate by itself, so that no two scales are swapped.
    for axis in range(dim):
        share = (v / scale)[:, axis].numpy()
        assert stats.kstest(share, stats.norm.cdf).pvalue > 1e-4


def check_mean_log_density_has_no_slope_in_scale(distribution, scale):
    """E[∂ log p / ∂ log σ] = 0: the score of samples held fixed averages to zero."""
    codes = distribution.rsample((20000,)).detach()
    (slope,) = torch.autograd.grad(distribution.log_prob(codes).mean(), scale)
    # Var of each score (squared standard normal − 1) is 2, over 20,000 samples; 5 deviations.
    bound = 5 * math.sqrt(2 * distribution.event_shape[0] / 20000)
    assert float((slope * scale.detach()).abs().max()) < bound


def check_shapes(distribution, batch_shape, event_shape):
    assert distribution.batch_shape == batch_shape
    assert distribution.event_shape == event_shape
    codes, log_prob = distribution.rsample_with_log_prob((3, 2))
    assert codes.shape == (3, 2, *batch_shape, *event_shape)
    assert distribution.rsample().shape == (*batch_shape, *event_shape)
    assert log_prob.shape == distribution.log_prob(codes).shape == (3, 2, *batch_shape)
