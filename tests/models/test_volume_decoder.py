import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gyrovox.geometry import manifold
from gyrovox.models import VolumeDecoder
from gyrovox.nn import EuclideanPlaneConv3d, GyroplaneConv3d
from gyrovox.settings import ModelSettings

BALL = manifold("poincare")
FLAT = manifold("euclidean")
WINDOWS = ["shared", "per_offset", "concatenated"]


def settings_of(**changes):
    return ModelSettings(**{
        "latent_side": 3,
        "latent_spacing": 3,
        "hidden": 8,
        "decoder_channels": (5,),
        **changes,
    })


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("widths", [(5,), (5, 4)])
@pytest.mark.parametrize(("side", "spacing"), [(3, 1), (3, 3), (5, 3)])
def test_a_volume_becomes_the_patch_between_its_codes(side, spacing, widths, window, device):
    settings = settings_of(
        latent_side=side,
        latent_spacing=spacing,
        decoder_channels=widths,
        gyroplane_window=window,
        latent_dim=3,
    )
    decoder = VolumeDecoder(BALL, settings, 2).to(device)
    patches = decoder(torch.randn(4, side, side, side, 3, device=device))
    assert patches.shape == (4, 2, *[settings.output_size] * 3)
    assert settings.output_size == side * spacing


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    ("space", "layer"), [(BALL, GyroplaneConv3d), (FLAT, EuclideanPlaneConv3d)]
)
def test_it_begins_with_a_gyroplane_convolution_of_its_space(space, layer, window):
    decoder = VolumeDecoder(space, settings_of(gyroplane_window=window), 1)
    assert isinstance(decoder.planes, layer)
    assert decoder.planes.planes.meaning == window
    assert decoder.planes.kernel_size == (3, 3, 3)


@pytest.mark.parametrize("space", [BALL, FLAT])
def test_for_the_ablation_it_begins_with_an_ordinary_convolution(space):
    decoder = VolumeDecoder(space, settings_of(first_layer="tangent"), 1)
    assert type(decoder.planes) is nn.Conv3d
    codes = torch.randn(2, 3, 3, 3, 2)
    features = nn.functional.conv3d(
        codes.permute(0, 4, 1, 2, 3), decoder.planes.weight, decoder.planes.bias, padding=1
    )
    assert_close(decoder(codes), decoder.up(features))


@pytest.mark.parametrize("first_layer", ["gyroplane", "tangent"])
@pytest.mark.parametrize("window", WINDOWS)
def test_inside_it_moves_with_its_codes(window, first_layer):
    settings = settings_of(
        gyroplane_window=window, first_layer=first_layer, decoder_channels=(5, 4)
    )
    decoder = VolumeDecoder(BALL, settings, 1).double()
    codes = torch.randn(1, 9, 8, 7, 2, dtype=torch.float64)
    whole = decoder(codes)
    part = decoder(codes[:, 1:, 2:, 1:])
    # A border of one code that the convolution pads, and of two voxels that the rest does.
    inside = slice(3 + 2, -3 - 2)
    shifted = whole[:, :, 3:, 6:, 3:]
    assert_close(part[:, :, inside, inside, inside], shifted[:, :, inside, inside, inside])
    assert not torch.allclose(part[:, :, :3], shifted[:, :, :3])


@pytest.mark.parametrize("first_layer", ["gyroplane", "tangent"])
@pytest.mark.parametrize("window", WINDOWS)
def test_around_the_volume_lie_codes_of_the_origin(window, first_layer):
    settings = settings_of(gyroplane_window=window, first_layer=first_layer)
    decoder = VolumeDecoder(BALL, settings, 1)
    codes = torch.randn(2, 2, 3, 3, 3)
    wider = decoder.planes(nn.functional.pad(codes, (1,) * 6))
    assert_close(decoder.planes(codes), wider[:, :, 1:-1, 1:-1, 1:-1])


def test_a_code_stands_for_the_voxels_around_its_own():
    # Of a volume of 5 codes at a spacing of 3, the middle one's voxel is the patch's middle, 7.
    settings = settings_of(latent_side=5)
    decoder = VolumeDecoder(BALL, settings, 1).double()
    codes = torch.randn(1, 5, 5, 5, 2, dtype=torch.float64)
    changed = codes.clone()
    changed[0, 2, 2, 2] += 0.5
    moved = (decoder(changed) != decoder(codes)).nonzero()[:, 2:]
    # Its own 3 voxels, those of its neighbours in the window, and one more of the convolution.
    assert moved.amin(0).tolist() == [7 - 5] * 3
    assert moved.amax(0).tolist() == [7 + 5] * 3


@pytest.mark.parametrize("first_layer", ["gyroplane", "tangent"])
@pytest.mark.parametrize("window", WINDOWS)
def test_every_parameter_learns(window, first_layer):
    settings = settings_of(gyroplane_window=window, first_layer=first_layer)
    decoder = VolumeDecoder(BALL, settings, 1)
    decoder(torch.randn(6, 3, 3, 3, 2)).square().sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("window", WINDOWS)
def test_the_decoder_of_a_nearly_flat_ball_is_the_flat_one(window):
    settings = settings_of(gyroplane_window=window)
    near = VolumeDecoder(manifold("poincare", curvature=-1e-8), settings, 1)
    flat = VolumeDecoder(FLAT, settings, 1)
    flat.load_state_dict(near.state_dict())
    codes = torch.randn(5, 3, 3, 3, 2)
    assert_close(near(codes), flat(codes), rtol=1e-4, atol=1e-4)
