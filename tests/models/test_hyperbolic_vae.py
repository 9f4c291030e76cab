import pytest
import torch

from gyrovox.distributions import Normal, RiemannianNormal, WrappedNormal
from gyrovox.geometry import Euclidean, PoincareBall
from gyrovox.models import DenseEncoder, HyperbolicVAE, PatchEncoder, Posterior
from gyrovox.settings import CATALOGUE, ModelSettings


@pytest.mark.parametrize(
    ("name", "encoder", "space"),
    [
        ("default", DenseEncoder, PoincareBall),
        ("euclidean", DenseEncoder, Euclidean),
        ("paper", PatchEncoder, PoincareBall),
    ],
)
def test_a_configuration_becomes_its_network(name, encoder, space):
    settings = CATALOGUE[name].model
    vae = HyperbolicVAE(settings, in_channels=1)
    assert isinstance(vae.encoder, encoder)
    assert isinstance(vae.manifold, space)
    assert vae.encoder.patch_size == settings.input_size


def test_the_curvature_of_the_settings_is_that_of_every_part():
    vae = HyperbolicVAE(ModelSettings(curvature=-0.25), in_channels=1)
    assert vae.manifold.curvature == -0.25
    assert vae.decoder.planes.curvature == -0.25
    assert vae.prior(torch.zeros(2)).manifold.curvature == -0.25


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_patch_is_encoded_and_rebuilt(name, channels, device):
    settings = CATALOGUE[name].model
    vae = HyperbolicVAE(settings, in_channels=channels).to(device)
    found = vae.encoder(torch.randn(2, channels, *[settings.input_size] * 3, device=device))
    posterior = Posterior(found.mean_code.reshape(2, -1), found.scale.reshape(2, 1))
    codes = vae.distribution(posterior).rsample()
    assert codes.shape == (2, settings.latent_dim)
    rebuilt = vae.decode(codes)
    assert rebuilt.batch_shape == (2, channels, *[settings.output_size] * 3)
    assert rebuilt.mean.device.type == device.type


def test_the_prior_is_standard_and_of_the_type_asked_for(device):
    vae = HyperbolicVAE(ModelSettings(latent_dim=3), in_channels=1)
    prior = vae.prior(torch.zeros(7, 3, dtype=torch.float64, device=device))
    assert prior.mean_code.tolist() == [0, 0, 0]
    assert prior.scale.tolist() == [1]
    assert prior.mean_code.dtype == torch.float64
    assert prior.mean_code.device.type == device.type


@pytest.mark.parametrize(
    ("geometry", "posterior", "family"),
    [
        ("poincare", "wrapped-normal", WrappedNormal),
        ("poincare", "riemannian-normal", RiemannianNormal),
        # The limit of both, as the curvature vanishes.
        ("euclidean", "wrapped-normal", Normal),
        ("euclidean", "riemannian-normal", Normal),
    ],
)
def test_prior_and_posteriors_are_of_the_family_of_the_settings(geometry, posterior, family):
    settings = ModelSettings(geometry=geometry, posterior=posterior, curvature=-0.5)
    vae = HyperbolicVAE(settings, in_channels=1)
    found = vae.distribution(Posterior(torch.zeros(5, 2), torch.ones(5, 1)))
    assert type(found) is type(vae.prior(torch.zeros(2))) is family
    assert found.batch_shape == (5,)
    assert found.manifold is vae.manifold or geometry == "euclidean"


def test_what_is_not_finite_gets_as_far_as_the_loss():
    vae = HyperbolicVAE(ModelSettings(posterior="riemannian-normal"), in_channels=1)
    broken = Posterior(torch.full((3, 2), float("nan")), torch.full((3, 1), float("nan")))
    codes, log_prob = vae.distribution(broken).rsample_with_log_prob()
    assert bool(codes.isnan().all() & log_prob.isnan().all())


def test_flat_and_hyperbolic_networks_start_alike():
    networks = []
    for geometry in ("poincare", "euclidean"):
        torch.manual_seed(3)
        networks.append(HyperbolicVAE(ModelSettings(geometry=geometry), in_channels=1))
    one, other = (network.state_dict() for network in networks)
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
