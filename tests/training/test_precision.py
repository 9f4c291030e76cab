import pytest
import torch

from gyrovox.models import HyperbolicVAE
from gyrovox.settings import CATALOGUE
from gyrovox.training.precision import autocast_encoder, encoding_in

CPU = torch.device("cpu")
INPUTS = {"default": (1, 1, 12, 12, 12), "paper": (3, 1, 10, 10, 10)}


def encoder_of(name):
    torch.manual_seed(1)
    return HyperbolicVAE(CATALOGUE[name].model, in_channels=1).encoder


@pytest.mark.parametrize("name", INPUTS)
def test_posteriors_are_float32_and_those_of_float32_to_two_digits(name):
    encoder, voxels = encoder_of(name), torch.randn(INPUTS[name])
    expected = encoder(voxels)
    with autocast_encoder(encoder, "cpu"):
        found = encoder(voxels)
    for ours, theirs in zip(
        (found.mean_code, found.scale), (expected.mean_code, expected.scale), strict=True
    ):
        assert ours.dtype == torch.float32
        assert not torch.equal(ours, theirs)
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("name", INPUTS)
def test_gradients_reach_parameters_that_stay_float32(name):
    encoder = encoder_of(name)
    with autocast_encoder(encoder, "cpu"):
        encoder(torch.randn(INPUTS[name])).mean_code.square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


def test_outside_everything_is_as_before():
    encoder, voxels = encoder_of("default"), torch.randn(INPUTS["default"])
    expected = encoder(voxels).mean_code
    with autocast_encoder(encoder, "cpu"):
        assert not torch.is_autocast_enabled("cpu")
        encoder(voxels)
        assert not torch.is_autocast_enabled("cpu")
    assert torch.equal(encoder(voxels).mean_code, expected)


def test_an_error_of_the_encoder_ends_it_too():
    class Broken(torch.nn.Module):
        def forward(self, voxels):
            raise ValueError("no posterior")

    encoder = Broken()
    with autocast_encoder(encoder, "cpu"), pytest.raises(ValueError, match="no posterior"):
        encoder(torch.randn(1))
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_cpu_computes_in_float32_whatever_is_asked_for(precision):
    encoder, voxels = encoder_of("default"), torch.randn(INPUTS["default"])
    expected = encoder(voxels).mean_code
    with encoding_in(precision, encoder, CPU):
        assert torch.equal(encoder(voxels).mean_code, expected)


@pytest.mark.gpu
def test_a_gpu_computes_in_bfloat16_where_asked_for(device):
    encoder, voxels = (
        encoder_of("default").to(device),
        torch.randn(INPUTS["default"], device=device),
    )
    expected = encoder(voxels).mean_code
    with encoding_in("float32", encoder, device):
        assert torch.equal(encoder(voxels).mean_code, expected)
    with encoding_in("bfloat16", encoder, device):
        found = encoder(voxels).mean_code
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.01)
