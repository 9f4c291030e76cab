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
    directions, solid = sphere_of_directions(dim, 60)
    codes = (r[:, None, None] / 2) * directions
    density = distribution.log_prob(codes).exp()
    total = (density * solid).sum(-1) @ (area(r) * weights)
    assert abs(float(total) - 1) < tolerance


def check_samples_fit_their_density(distribution, tolerance):
    codes, log_prob = distribution.rsample_with_log_prob((200,))
    assert_close(distribution.log_prob(codes), log_prob, rtol=tolerance, atol=tolerance)


def check_mahalanobis_is_chi_squared(distribution, manifold, scale):
    """v = λ_μ log_μ(z), read back from the samples, has Mahalanobis² ~ χ²_d; reject at 1e-4."""
    (dim,) = distribution.event_shape
    codes = distribution.rsample((4000,))
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
