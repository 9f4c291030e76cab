from dataclasses import replace

import numpy as np
import pytest
import torch

from gyrovox.models import HyperbolicVAE, parameters, with_parameters
from gyrovox.settings import CATALOGUE, ModelSettings

SMALL = ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_model_comes_back_from_its_parameters(name):
    settings = CATALOGUE[name].model
    vae = HyperbolicVAE(settings, in_channels=2)
    back = with_parameters(settings, 2, parameters(vae))
    assert back.state_dict().keys() == vae.state_dict().keys()
    for key, value in vae.state_dict().items():
        assert torch.equal(back.state_dict()[key], value)
    assert not back.training
    assert all(parameter.requires_grad for parameter in back.parameters())


@pytest.mark.parametrize("window", ["shared", "per_offset", "concatenated"])
def test_a_model_of_volumes_comes_back_from_its_parameters_and_says_the_same(window):
    settings = replace(CATALOGUE["volumetric"].model, gyroplane_window=window)
    vae = HyperbolicVAE(settings, in_channels=1)
    back = with_parameters(settings, 1, parameters(vae))
    codes = torch.randn(2, 3, 3, 3, 2)
    assert torch.equal(back.decoder(codes), vae.decoder(codes))


def test_parameters_are_on_the_cpu(device):
    arrays = parameters(HyperbolicVAE(SMALL, in_channels=1).to(device))
    assert all(array.dtype == np.float32 for array in arrays.values())


def test_no_random_number_is_drawn():
    arrays = parameters(HyperbolicVAE(SMALL, in_channels=1))
    before = torch.get_rng_state()
    with_parameters(SMALL, 1, arrays)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.pop("decoder.planes.weight"), "Missing key"),
        (lambda arrays: arrays.update(more=np.zeros(1, np.float32)), "Unexpected key"),
        (lambda arrays: arrays.update({"encoder.head.bias": np.zeros(9, np.float32)}), "mismatch"),
        (
            lambda arrays: arrays.update({"encoder.head.bias": np.zeros(3)}),
            "float32, and is float64",
        ),
        (
            lambda arrays: arrays.update({"encoder.head.bias": np.full(3, np.inf, np.float32)}),
            "must be finite",
        ),
    ],
)
def test_parameters_of_another_network_are_refused(change, said):
    arrays = parameters(HyperbolicVAE(SMALL, in_channels=1))
    change(arrays)
    with pytest.raises(ValueError, match=said):
        with_parameters(SMALL, 1, arrays)


def test_no_channel_is_refused():
    with pytest.raises(ValueError, match="in_channels must be at least 1, got 0"):
        with_parameters(SMALL, 0, {})


def test_a_network_that_fits_no_memory_is_refused():
    with pytest.raises(ValueError, match="no network can be as large"):
        with_parameters(SMALL, 10**30, {})
