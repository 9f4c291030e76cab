from dataclasses import replace

import pytest
import torch

from gyrovox.distributions import Normal, RiemannianNormal, WrappedNormal
from gyrovox.geometry import Euclidean, PoincareBall
from gyrovox.models import (
    DenseEncoder,
    HyperbolicVAE,
    PatchDecoder,
    PatchEncoder,
    Posterior,
    UpConvolutions,
    VolumeDecoder,
)
from gyrovox.settings import CATALOGUE, ModelSettings


@pytest.mark.parametrize(
    ("name", "encoder", "space"),
    [
        ("default", DenseEncoder, PoincareBall),
        ("euclidean", DenseEncoder, Euclidean),
        ("paper", PatchEncoder, PoincareBall),
        ("volumetric", DenseEncoder, PoincareBall),
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


def every(maps, spacing):
    """The codes of a map that a latent volume takes; the patch encoder gives no map."""
    return maps[:, ::spacing, ::spacing, ::spacing] if maps.ndim == 5 else maps


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_patch_is_encoded_and_rebuilt(name, channels, device):
    settings = CATALOGUE[name].model
    vae = HyperbolicVAE(settings, in_channels=channels).to(device)
    patch = torch.randn(2, channels, *[settings.receptive_size] * 3, device=device)
    found, spacing = vae.encoder(patch), settings.latent_spacing
    sides = [settings.latent_side] * 3 if settings.latent_side > 1 else []
    posterior = Posterior(
        every(found.mean_code, spacing).reshape(2, *sides, -1),
        every(found.scale, spacing).reshape(2, *sides, 1),
    )
    codes = vae.distribution(posterior).rsample()
    assert codes.shape == (2, *sides, settings.latent_dim)
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


@pytest.mark.parametrize(
    ("settings", "decoder"),
    [
        (ModelSettings(), UpConvolutions),
        (ModelSettings(latent_side=3), VolumeDecoder),
        (CATALOGUE["volumetric"].model, VolumeDecoder),
        (CATALOGUE["paper"].model, PatchDecoder),
    ],
)
@pytest.mark.parametrize("first_layer", ["gyroplane", "tangent"])
def test_the_decoder_is_that_of_the_latent_and_begins_as_asked(settings, decoder, first_layer):
    vae = HyperbolicVAE(replace(settings, first_layer=first_layer), in_channels=1)
    assert isinstance(vae.decoder, decoder)
    ordinary = type(vae.decoder.planes) in {torch.nn.Linear, torch.nn.Conv3d}
    assert ordinary == (first_layer == "tangent")


@pytest.mark.parametrize("side", [1, 3])
def test_flat_and_hyperbolic_networks_start_alike(side):
    networks = []
    for geometry in ("poincare", "euclidean"):
        torch.manual_seed(3)
        settings = ModelSettings(geometry=geometry, latent_side=side)
        networks.append(HyperbolicVAE(settings, in_channels=1))
    one, other = (network.state_dict() for network in networks)
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
