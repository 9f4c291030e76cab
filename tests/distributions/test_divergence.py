import pytest
import torch
from torch.distributions import Independent, kl_divergence
from torch.testing import assert_close

from gyrovox.distributions import Normal, RiemannianNormal, WrappedNormal, monte_carlo_kl
from gyrovox.geometry import PoincareBall

SPACE = PoincareBall(-1.0)


def double(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("ours", [[0.7], [0.7, 0.2, 1.1]], ids=["isotropic", "diagonal"])
@pytest.mark.parametrize("theirs", [[1.0], [1.0, 0.5, 2.0]], ids=["isotropic", "diagonal"])
def test_the_closed_form_is_that_of_torch(ours, theirs):
    mean, other = torch.randn(2, 4, 3, dtype=torch.float64)
    found = kl_divergence(Normal(mean, double(ours)), Normal(other[0], double(theirs)))

    def coordinates(mean, scale):
        return Independent(torch.distributions.Normal(mean, scale.expand(3) / 2), 1)

    expected = kl_divergence(coordinates(mean, double(ours)), coordinates(other, double(theirs)))
    assert_close(found[0], expected[0])
    assert found.shape == (4,)
    flat = [Normal(mean, double(ours)), Normal(other[0], double(theirs))]
    estimate = monte_carlo_kl(*flat, samples=4000)
    assert bool(((estimate.value - found).abs() < 5 * estimate.standard_error).all())


def test_sampling_finds_the_divergence_about_one_mean():
    # About the same mean the volumes of two wrapped normals cancel, and it is that of the normals.
    mean = double([0.5, -1.0])
    one, other = double([[0.4], [1.5]]), double([0.8])
    found = monte_carlo_kl(
        WrappedNormal(mean, one, manifold=SPACE),
        WrappedNormal(mean, other, manifold=SPACE),
        samples=20_000,
    )
    expected = kl_divergence(Normal(mean, one), Normal(mean, other))
    assert bool(((found.value - expected).abs() < 5 * found.standard_error).all())
    assert bool((found.standard_error < 0.02).all())


def test_sampling_finds_the_divergence_of_riemannian_normals_about_one_mean():
    # log Z₂/Z₁ + E r² (1/σ₂² − 1/σ₁²)/2 with E r² = σ₁³ d log Z₁/dσ₁.
    mean, sigma = double([0.5, -1.0]), double([0.6]).requires_grad_()
    one = RiemannianNormal(mean, sigma, manifold=SPACE)
    other = RiemannianNormal(mean, double([1.4]), manifold=SPACE)
    (slope,) = torch.autograd.grad(one.log_normaliser, sigma, retain_graph=True)
    gap = (1 / 1.4**2 - 1 / 0.6**2) * 0.6**3 * slope.item() / 2
    expected = (other.log_normaliser - one.log_normaliser).item() + gap
    found = monte_carlo_kl(one, other, samples=20_000)
    assert abs(found.value.item() - expected) < 5 * found.standard_error.item()
    # d KL / dσ through the samples, against the difference quotient of that formula.
    (by_scale,) = torch.autograd.grad(found.value, sigma)

    def closed(value):
        scale = double([value]).requires_grad_()
        normal = RiemannianNormal(mean, scale, manifold=SPACE)
        (slope,) = torch.autograd.grad(normal.log_normaliser, scale)
        gap = (1 / 1.4**2 - 1 / value**2) * value**3 * slope.item() / 2
        return (other.log_normaliser - normal.log_normaliser).item() + gap

    assert by_scale.item() == pytest.approx((closed(0.601) - closed(0.599)) / 0.002, abs=0.05)


def test_families_may_be_mixed():
    mean, scale = double([[0.2, 0.1], [1.0, 0.0]]), double([0.05])
    wrapped = WrappedNormal(mean, scale, manifold=SPACE)
    riemannian = RiemannianNormal(mean, scale, manifold=SPACE)
    found = monte_carlo_kl(wrapped, riemannian, samples=500)
    assert found.value.shape == found.standard_error.shape == (2,)
    assert found.value.abs().max() < 1e-3  # small scales see no curvature


def test_torch_knows_no_closed_form_of_curved_ones():
    one = WrappedNormal(double([0.0, 0.0]), double([1.0]), manifold=SPACE)
    with pytest.raises(NotImplementedError, match="WrappedNormal"):
        kl_divergence(one, one)


@pytest.mark.parametrize("samples", [1, 0, -3])
def test_too_few_samples_have_no_error(samples):
    one = Normal(double([0.0]), double([1.0]))
    with pytest.raises(ValueError, match=f"samples must be at least 2 .* is {samples}"):
        monte_carlo_kl(one, one, samples=samples)


def test_both_must_live_in_one_space():
    near = WrappedNormal(double([0.0, 0.0]), double([1.0]), manifold=SPACE)
    bent = WrappedNormal(double([0.0, 0.0]), double([1.0]), manifold=PoincareBall(-4.0))
    with pytest.raises(ValueError, match=r"must live on one manifold.*-1.*-4"):
        monte_carlo_kl(near, bent, samples=10)
    # A line and a plane broadcast, and used to have a divergence.
    line, plane = Normal(double([0.0]), double([1.0])), Normal(double([0.0, 0.0]), double([1.0]))
    with pytest.raises(ValueError, match=r"must live on one manifold"):
        kl_divergence(line, plane)
