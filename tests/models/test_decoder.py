import pytest
import torch
from torch import nn
from torch.distributions import Laplace, Normal

from gyrovox.geometry import manifold
from gyrovox.models import PatchDecoder, UpConvolutions
from gyrovox.models.decoder import parameters_per_voxel, voxel_distribution
from gyrovox.nn import EuclideanPlane, Gyroplane

BALL = manifold("poincare")
FLAT = manifold("euclidean")


@pytest.mark.parametrize(("widths", "side"), [((5,), 3), ((5, 4), 5), ((5, 4, 3), 7)])
def test_every_up_convolution_adds_two_voxels(widths, side, device):
    decoder = UpConvolutions(BALL, 3, 8, widths, 2).to(device)
    assert decoder(torch.randn(6, 3, device=device)).shape == (6, 2, side, side, side)


def test_the_published_decoder_mirrors_the_encoder(device):
    decoder = PatchDecoder(BALL, 2, 300, (16, 32, 64, 128), 1).to(device)
    sides = []
    features = torch.randn(2, 128, 2, 2, 2, device=device)
    for layer in decoder.up:
        features = layer(features)
        sides.append(features.shape[-1])
    assert sides[1::2] == [2, 4, 6, 10]
    assert decoder(torch.randn(2, 2, device=device)).shape == (2, 1, 10, 10, 10)


@pytest.mark.parametrize("kind", ["dense", "patch"])
@pytest.mark.parametrize(("space", "layer"), [(BALL, Gyroplane), (FLAT, EuclideanPlane)])
def test_a_decoder_begins_with_planes_of_its_space(kind, space, layer):
    decoder = (
        UpConvolutions(space, 2, 8, (4,), 1)
        if kind == "dense"
        else PatchDecoder(space, 2, 8, (4,) * 4, 1)
    )
    assert isinstance(decoder.planes, layer)


@pytest.mark.parametrize("space", [BALL, FLAT])
@pytest.mark.parametrize("kind", ["dense", "patch"])
def test_for_the_ablation_a_decoder_begins_with_an_ordinary_layer(kind, space):
    decoder = (
        UpConvolutions(space, 2, 8, (4,), 1, first_layer="tangent")
        if kind == "dense"
        else PatchDecoder(space, 2, 8, (4,) * 4, 1, first_layer="tangent")
    )
    assert type(decoder.planes) is nn.Linear
    codes = torch.randn(3, 2)
    expected = decoder(codes)
    # What lies beyond the first layer sees its outputs and nothing else of the codes.
    features = codes @ decoder.planes.weight.T + decoder.planes.bias
    decoder.planes = nn.Identity()
    torch.testing.assert_close(decoder(features), expected)


@pytest.mark.parametrize("first_layer", ["gyroplane", "tangent"])
@pytest.mark.parametrize("kind", ["dense", "patch"])
def test_every_parameter_learns(kind, first_layer):
    decoder = (
        UpConvolutions(BALL, 2, 8, (4,), 1, first_layer=first_layer)
        if kind == "dense"
        else PatchDecoder(BALL, 2, 8, (4,) * 4, 1, first_layer=first_layer)
    )
    decoder(torch.randn(16, 2)).square().sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_the_decoder_of_a_nearly_flat_ball_is_the_flat_one():
    near = manifold("poincare", curvature=-1e-8)
    one, other = UpConvolutions(near, 2, 8, (4,), 1), UpConvolutions(FLAT, 2, 8, (4,), 1)
    other.load_state_dict(one.state_dict())
    codes = torch.randn(5, 2)
    torch.testing.assert_close(one(codes), other(codes), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("likelihood", "family"), [("laplace", Laplace), ("normal", Normal)])
def test_a_learned_noise_has_a_mean_and_a_scale_for_every_channel(likelihood, family):
    assert parameters_per_voxel(likelihood) == 2
    decoded = torch.randn(5, 6, 3, 3, 3)  # three channels
    found = voxel_distribution(decoded, likelihood)
    assert isinstance(found, family)
    assert found.batch_shape == (5, 3, 3, 3, 3)
    assert torch.equal(found.mean, decoded[:, :3])
    scale = found.scale if likelihood == "laplace" else found.stddev
    torch.testing.assert_close(scale, torch.nn.functional.softplus(decoded[:, 3:]) + 0.0201)


def test_a_unit_noise_learns_only_a_mean():
    assert parameters_per_voxel("unit-normal") == 1
    decoded = torch.randn(5, 3, 2, 2, 2)
    found = voxel_distribution(decoded, "unit-normal")
    assert torch.equal(found.mean, decoded)
    assert (found.stddev == 1).all()
