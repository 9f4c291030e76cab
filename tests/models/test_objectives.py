import itertools
import math

import mpmath
import pytest
import torch
from torch import distributions

from gyrovox.geometry import manifold
from gyrovox.models import (
    HyperbolicVAE,
    Posterior,
    evidence,
    importance_weighted_bound,
    triplet_loss,
)
from gyrovox.settings import ModelSettings


def vae_of(geometry, likelihood="laplace", dim=2, posterior="wrapped-normal", side=1):
    return HyperbolicVAE(
        ModelSettings(
            geometry=geometry,
            posterior=posterior,
            channels=(4, 4),
            dilations=(1, 1),
            hidden=8,
            decoder_channels=(4,),
            likelihood=likelihood,
            latent_dim=dim,
            latent_side=side,
        ),
        in_channels=2,
    )


def posterior_of(count, dim=2, device="cpu"):
    mean = 0.5 * torch.randn(count, dim, device=device)
    return Posterior(mean, 0.2 + torch.rand(count, 1, device=device))


@pytest.mark.parametrize("likelihood", ["laplace", "normal", "unit-normal"])
def test_the_parts_of_the_flat_elbo_are_those_of_torch(likelihood):
    vae, posterior, targets = (
        vae_of("euclidean", likelihood),
        posterior_of(6),
        torch.randn(6, 2, 3, 3, 3),
    )
    torch.manual_seed(11)
    parts = evidence(vae, posterior, targets)
    torch.manual_seed(11)
    noise = torch.randn(6, 2)
    # The flat metric is 4 I: lengths are doubled, so coordinates have half the scale ...
    coordinates = distributions.Normal(posterior.mean_code, posterior.scale / 2)
    codes = posterior.mean_code + noise * posterior.scale / 2
    prior = distributions.Normal(torch.zeros(2), torch.full((2,), 0.5))
    # ... and a density per volume is 2^dim times smaller, in both: it cancels.
    divergence = (coordinates.log_prob(codes) - prior.log_prob(codes)).sum(-1)
    torch.testing.assert_close(parts.divergence, divergence, rtol=1e-4, atol=1e-5)
    decoded = vae.decoder(codes)
    if likelihood == "unit-normal":
        noise_model = distributions.Normal(decoded, 1.0)
    else:
        family = distributions.Laplace if likelihood == "laplace" else distributions.Normal
        scale = torch.nn.functional.softplus(decoded[:, 2:]) + 0.0201
        noise_model = family(decoded[:, :2], scale)
    reconstruction = noise_model.log_prob(targets).sum((1, 2, 3, 4))
    torch.testing.assert_close(parts.reconstruction, reconstruction, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_divergence_estimates_the_closed_form_in_flat_space(dim):
    vae, one = vae_of("euclidean", dim=dim), posterior_of(1, dim)
    count = 40_000
    many = Posterior(one.mean_code.expand(count, -1), one.scale.expand(count, -1))
    with torch.no_grad():
        divergence = evidence(vae, many, torch.zeros(count, 2, 3, 3, 3)).divergence
    expected = distributions.kl_divergence(
        distributions.Normal(one.mean_code, one.scale / 2),
        distributions.Normal(torch.zeros(dim), torch.full((dim,), 0.5)),
    ).sum()
    error = divergence.std() / math.sqrt(count)
    assert abs(divergence.mean() - expected) < 5 * error


def test_the_divergence_of_the_ball_is_a_kl_divergence():
    # By quadrature in polar coordinates around the posterior's mean, for a mean at the origin.
    scale = 0.7
    vae = vae_of("poincare")
    count = 40_000
    posterior = Posterior(torch.zeros(count, 2), torch.full((count, 1), scale))
    with torch.no_grad():
        divergence = evidence(vae, posterior, torch.zeros(count, 2, 3, 3, 3)).divergence
    # v is normal in the tangent space and both volume factors are the same, so they cancel.
    expected = mpmath.quad(
        lambda r: (
            r
            / scale**2
            * mpmath.exp(-(r**2) / (2 * scale**2))
            * (-(r**2) / (2 * scale**2) - 2 * mpmath.log(scale) + r**2 / 2)
        ),
        [0, 2, 10],
    )
    error = divergence.std() / math.sqrt(count)
    assert abs(divergence.mean() - float(expected)) < 5 * error


def test_the_divergence_of_riemannian_normals_is_a_kl_divergence():
    # By quadrature over the radius, for a mean at the origin.
    scale, count = 0.7, 20_000
    vae = vae_of("poincare", posterior="riemannian-normal")
    posterior = Posterior(torch.zeros(count, 2), torch.full((count, 1), scale))
    with torch.no_grad():
        divergence = evidence(vae, posterior, torch.zeros(count, 2, 3, 3, 3)).divergence

    def mass(sigma, weight=lambda r: 1):
        return mpmath.quad(
            lambda r: weight(r) * mpmath.exp(-(r**2) / (2 * sigma**2)) * mpmath.sinh(r),
            [0, 1, 3, 12],
        )

    square = mass(scale, lambda r: r**2) / mass(scale)
    expected = mpmath.log(mass(1) / mass(scale)) + square * (1 - scale**-2) / 2
    error = divergence.std() / math.sqrt(count)
    assert abs(divergence.mean() - float(expected)) < 5 * error


@pytest.mark.parametrize(
    ("geometry", "posterior"),
    [
        ("poincare", "wrapped-normal"),
        ("poincare", "riemannian-normal"),
        ("euclidean", "wrapped-normal"),
    ],
)
def test_the_divergence_vanishes_where_posterior_and_prior_agree(geometry, posterior):
    vae = vae_of(geometry, posterior=posterior)
    same = Posterior(torch.zeros(50, 2), torch.ones(50, 1))
    parts = evidence(vae, same, torch.randn(50, 2, 3, 3, 3))
    torch.testing.assert_close(parts.divergence, torch.zeros(50), rtol=0, atol=1e-4)


@pytest.mark.parametrize("posterior", ["wrapped-normal", "riemannian-normal"])
@pytest.mark.parametrize("geometry", ["poincare", "euclidean"])
def test_the_elbo_reaches_every_parameter_and_the_posterior(geometry, posterior, device):
    vae = vae_of(geometry, posterior=posterior).to(device)
    mean = torch.randn(8, 2, device=device, requires_grad=True)
    scale = torch.full((8, 1), 0.3, device=device, requires_grad=True)
    parts = evidence(vae, Posterior(mean, scale), torch.randn(8, 2, 3, 3, 3, device=device))
    (parts.divergence - parts.reconstruction).sum().backward()
    assert all(one.grad.isfinite().all() and one.grad.any() for one in (mean, scale))
    assert all(parameter.grad.isfinite().all() for parameter in vae.decoder.parameters())


def latent_volumes(count, device="cpu"):
    mean = 0.5 * torch.randn(count, 3, 3, 3, 2, device=device)
    return Posterior(mean, 0.2 + torch.rand(count, 3, 3, 3, 1, device=device))


@pytest.mark.parametrize(
    ("geometry", "posterior"),
    [
        ("poincare", "wrapped-normal"),
        ("poincare", "riemannian-normal"),
        ("euclidean", "wrapped-normal"),
    ],
)
def test_the_divergence_of_a_volume_is_the_sum_over_its_codes(geometry, posterior, monkeypatch):
    vae, volumes = vae_of(geometry, posterior=posterior, side=3), latent_volumes(4)
    sampled = []
    decode = vae.decode
    monkeypatch.setattr(vae, "decode", lambda codes: sampled.append(codes) or decode(codes))
    parts = evidence(vae, volumes, torch.randn(4, 2, 3, 3, 3))
    (codes,) = sampled
    assert codes.shape == (4, 3, 3, 3, 2)
    expected = torch.zeros(4)
    for patch in range(4):
        for place in itertools.product(range(3), repeat=3):
            code = codes[(patch, *place)]
            single = Posterior(volumes.mean_code[(patch, *place)], volumes.scale[(patch, *place)])
            log_posterior = vae.distribution(single).log_prob(code)
            expected[patch] += log_posterior - vae.prior(code).log_prob(code)
    assert parts.divergence.shape == parts.reconstruction.shape == (4,)
    torch.testing.assert_close(parts.divergence, expected, rtol=1e-4, atol=1e-3)


def test_the_divergence_of_flat_volumes_estimates_the_closed_form():
    vae, one = vae_of("euclidean", side=3), latent_volumes(1)
    count = 5_000
    many = Posterior(
        one.mean_code.expand(count, -1, -1, -1, -1), one.scale.expand(count, -1, -1, -1, -1)
    )
    with torch.no_grad():
        divergence = evidence(vae, many, torch.zeros(count, 2, 3, 3, 3)).divergence
    expected = distributions.kl_divergence(vae.distribution(one), vae.prior(torch.zeros(2))).sum()
    error = divergence.std() / math.sqrt(count)
    assert abs(divergence.mean() - expected) < 5 * error


@pytest.mark.parametrize("posterior", ["wrapped-normal", "riemannian-normal"])
@pytest.mark.parametrize("geometry", ["poincare", "euclidean"])
def test_the_elbo_of_volumes_reaches_every_parameter_and_the_posterior(geometry, posterior, device):
    vae = vae_of(geometry, posterior=posterior, side=3).to(device)
    mean = torch.randn(8, 3, 3, 3, 2, device=device, requires_grad=True)
    scale = torch.full((8, 3, 3, 3, 1), 0.3, device=device, requires_grad=True)
    parts = evidence(vae, Posterior(mean, scale), torch.randn(8, 2, 3, 3, 3, device=device))
    (parts.divergence - parts.reconstruction).sum().backward()
    for slope in (mean.grad, scale.grad):
        assert slope.isfinite().all()
        assert (slope != 0).all()
    for parameter in vae.decoder.parameters():
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()


def test_the_bound_of_volumes_is_that_of_their_evidence():
    vae, volumes, targets = (
        vae_of("poincare", side=3),
        latent_volumes(5),
        torch.randn(5, 2, 3, 3, 3),
    )
    torch.manual_seed(4)
    bound = importance_weighted_bound(vae, volumes, targets, samples=3)
    torch.manual_seed(4)
    parts = [evidence(vae, volumes, targets) for _ in range(3)]
    weights = torch.stack([one.reconstruction - one.divergence for one in parts])
    torch.testing.assert_close(bound, weights.double().exp().mean(0).log().float())


def linear_gaussian():
    """A model whose p(x) and p(z | x) are normal, three patches, and both in closed form."""
    torch.manual_seed(2)
    vae = vae_of("euclidean", "unit-normal").double()
    linear = torch.nn.Linear(2, 54, dtype=torch.float64)
    vae.decoder = torch.nn.Sequential(linear, torch.nn.Unflatten(1, (2, 3, 3, 3)))
    targets = torch.randn(3, 2, 3, 3, 3, dtype=torch.float64)
    weight, bias = linear.weight.detach(), linear.bias.detach()
    # In coordinates the prior is N(0, 1/4), as the metric is 4 I.
    covariance = torch.eye(54, dtype=torch.float64) + weight @ weight.T / 4
    log_evidence = distributions.MultivariateNormal(bias, covariance).log_prob(targets.flatten(1))
    precision = 4 * torch.eye(2, dtype=torch.float64) + weight.T @ weight
    mean = torch.linalg.solve(precision, weight.T @ (targets.flatten(1) - bias).T).T
    return vae, targets, log_evidence, mean


def test_the_bound_of_one_sample_is_the_elbo():
    vae, posterior, targets = vae_of("poincare"), posterior_of(6), torch.randn(6, 2, 3, 3, 3)
    torch.manual_seed(4)
    bound = importance_weighted_bound(vae, posterior, targets, samples=1)
    torch.manual_seed(4)
    parts = evidence(vae, posterior, targets)
    torch.testing.assert_close(bound, parts.reconstruction - parts.divergence)


def test_the_bound_rises_with_its_samples_to_log_p_of_x():
    vae, targets, log_evidence, mean = linear_gaussian()
    # Beside the true posterior and wider, so that there is something to gain.
    posterior = Posterior(mean + 0.2, torch.full((3, 1), 1.1, dtype=torch.float64))
    gaps = {}
    with torch.no_grad():
        for samples, repeats in ((1, 2000), (4, 1000), (32, 200)):
            many = Posterior(
                posterior.mean_code.repeat(repeats, 1), posterior.scale.repeat(repeats, 1)
            )
            bound = importance_weighted_bound(
                vae, many, targets.repeat(repeats, 1, 1, 1, 1), samples=samples
            ).view(repeats, 3)
            gaps[samples] = (log_evidence - bound).mean().item()
        # Means of weights are means of means: 200 bounds of 32 samples are one of 6400.
        whole = torch.logsumexp(bound, dim=0) - math.log(repeats)
    assert gaps[1] > gaps[4] + 0.05
    assert gaps[4] > gaps[32] + 0.01
    assert gaps[32] > -0.02
    torch.testing.assert_close(whole, log_evidence, rtol=0, atol=0.05)


@pytest.mark.parametrize("posterior", ["wrapped-normal", "riemannian-normal"])
def test_the_bound_of_curved_models_tends_to_log_p_of_x(posterior):
    # The integral of p(x | z) p(z) over the plane of curvature −1, in polar coordinates.
    vae = vae_of("poincare", "unit-normal", posterior=posterior).double()
    targets = torch.randn(1, 2, 3, 3, 3, dtype=torch.float64)
    radius = torch.linspace(0, 12, 1201, dtype=torch.float64)
    angle = torch.arange(64, dtype=torch.float64) * (2 * math.pi / 64)
    ray = torch.stack([angle.cos(), angle.sin()], dim=-1)
    codes = (radius[:, None, None] / 2 * ray).flatten(0, 1)
    with torch.no_grad():
        log_likelihood = vae.decode(codes).log_prob(targets).flatten(1).sum(-1)
        log_joint = (log_likelihood + vae.prior(codes).log_prob(codes)).view(1201, 64)
        top = log_joint.max()
        around = (log_joint - top).exp().mean(-1) * 2 * math.pi * radius.sinh()
        expected = top + torch.trapezoid(around, radius).log()
        prior = Posterior(torch.zeros(400, 2).double(), torch.ones(400, 1).double())
        many = targets.expand(400, -1, -1, -1, -1)
        bounds = importance_weighted_bound(vae, prior, many, samples=10)
        # Means of weights are means of means: 400 bounds of 10 samples are one of 4000.
        found = torch.logsumexp(bounds, dim=0) - math.log(400)
    assert found.item() == pytest.approx(expected.item(), abs=0.02)


@pytest.mark.parametrize("samples", [0, -1])
def test_a_bound_of_no_sample_is_refused(samples):
    vae, posterior = vae_of("poincare"), posterior_of(1)
    with pytest.raises(ValueError, match=f"samples must be at least 1, and is {samples}"):
        importance_weighted_bound(vae, posterior, torch.zeros(1, 2, 3, 3, 3), samples=samples)


@pytest.mark.parametrize("curvature", [-0.1, -1.0, -4.0])
def test_the_triplet_loss_is_that_of_60_digits(curvature):
    roles = [torch.randn(6, 2) * 0.8 for _ in range(3)]

    def distance(u, w):
        with mpmath.workdps(60):
            s = mpmath.sqrt(-curvature)
            points = []
            for code in (u, w):
                length = mpmath.sqrt(sum(mpmath.mpf(value) ** 2 for value in code))
                points.append([mpmath.tanh(s * length) * value / (s * length) for value in code])
            gap = sum((a - b) ** 2 for a, b in zip(*points, strict=True))
            room = [1 + curvature * sum(a**2 for a in point) for point in points]
            return mpmath.acosh(1 - 2 * curvature * gap / (room[0] * room[1])) / s

    expected = sum(
        max(0, distance(parent, child) - distance(parent, stranger) + 0.2)
        for parent, child, stranger in zip(*(role.tolist() for role in roles), strict=True)
    )
    found = triplet_loss(manifold("poincare", curvature=curvature), *roles, margin=0.2)
    assert found.item() == pytest.approx(float(expected) / 6, rel=1e-5)


@pytest.mark.parametrize("space", [manifold("poincare"), manifold("euclidean")], ids=repr)
def test_the_triplet_loss_of_volumes_is_that_of_a_literal_loop(space):
    roles = 0.4 * torch.randn(3, 5, 3, 3, 3, 2)

    def distance(u, w):
        codes = zip(u.reshape(27, 2), w.reshape(27, 2), strict=True)
        return math.sqrt(sum(space.code_distance(a, b).item() ** 2 for a, b in codes))

    expected = sum(
        max(0.0, distance(parent, child) - distance(parent, stranger) + 0.2)
        for parent, child, stranger in zip(*roles, strict=True)
    )
    found = triplet_loss(space, *roles, margin=0.2)
    assert found.item() == pytest.approx(expected / 5, rel=1e-4)


def test_volumes_that_coincide_cost_the_margin_and_have_finite_gradients():
    codes = [torch.zeros(4, 3, 3, 3, 2, requires_grad=True) for _ in range(3)]
    loss = triplet_loss(manifold("poincare"), *codes, margin=0.2)
    loss.backward()
    assert loss.item() == pytest.approx(0.2)
    assert all(code.grad.isfinite().all() for code in codes)


def test_the_flat_triplet_loss_doubles_coordinates():
    parent, child, stranger = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.5]]])
    loss = triplet_loss(manifold("euclidean"), parent, child, stranger, margin=0.2)
    assert loss.item() == pytest.approx(2 * 1.0 - 2 * 0.5 + 0.2)


def test_a_hierarchy_that_is_far_enough_costs_nothing():
    parent, child, stranger = torch.tensor([[[0.0, 0.0]], [[0.1, 0.0]], [[3.0, 0.0]]])
    assert triplet_loss(manifold("poincare"), parent, child, stranger, margin=0.2) == 0


def test_codes_that_coincide_cost_the_margin_and_have_finite_gradients():
    codes = [torch.zeros(4, 2, requires_grad=True) for _ in range(3)]
    loss = triplet_loss(manifold("poincare"), *codes, margin=0.2)
    loss.backward()
    assert loss.item() == pytest.approx(0.2)
    assert all(code.grad.isfinite().all() for code in codes)


def test_no_triplet_costs_nothing(device):
    empty = torch.zeros(0, 2, device=device, requires_grad=True)
    loss = triplet_loss(manifold("poincare"), empty, empty, empty, margin=0.2)
    assert loss == 0
    assert loss.device.type == device.type
