import pytest
import torch

from gyrovox.errors import SettingsError
from gyrovox.models import HyperbolicVAE
from gyrovox.settings import ModelSettings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"curvature": 0.0}, "model.curvature must be negative, got 0. .* --model.geometry euclid"),
        ({"curvature": float("nan")}, "model.curvature must be negative, got nan"),
        ({"latent_dim": 0}, "model.latent_dim must be at least 1, got 0"),
        ({"hidden": -3}, "model.hidden must be at least 1, got -3"),
        ({"channels": ()}, r"model.channels must be positive numbers, got \(\)"),
        ({"channels": (4, 0, 4)}, r"model.channels must be positive numbers, got \(4, 0, 4\)"),
        ({"decoder_channels": ()}, "model.decoder_channels must be positive"),
        ({"dilations": (1, -1, 1)}, "model.dilations must be positive"),
        ({"channels": (4, 4)}, r"model.dilations must be as many as model.channels, got \(1, 1, 1"),
        ({"encoder": "patch"}, "model.channels must be four numbers for the published"),
        ({"latent_side": 2}, "model.latent_side must be odd and at least 1, .* got 2"),
        ({"latent_side": -1}, "model.latent_side must be odd and at least 1, .* got -1"),
        (
            {"latent_side": 3, "latent_spacing": 2},
            "model.latent_spacing must be odd and at least 1, .* same voxel; got 2",
        ),
        ({"latent_spacing": 3}, "model.latent_spacing must be 1 .* no neighbours; got 3. Pass"),
        (
            {"encoder": "patch", "channels": (4,) * 4, "latent_side": 3},
            "model.latent_side must be 1 for the published `patch` encoder, .* got 3. Pass --model",
        ),
    ],
)
def test_what_no_network_can_be_made_of_is_refused(values, said):
    with pytest.raises(SettingsError, match=said):
        ModelSettings(**values)


@pytest.mark.parametrize(
    ("channels", "dilations", "widths"),
    [((4, 4, 4), (1, 1, 1), (8,)), ((4, 5), (2, 1), (8, 4)), ((3,), (4,), (2, 2, 2))],
)
def test_sizes_are_those_of_the_network(channels, dilations, widths):
    settings = ModelSettings(
        channels=channels, dilations=dilations, decoder_channels=widths, hidden=4
    )
    vae = HyperbolicVAE(settings, in_channels=1)
    assert settings.input_size == vae.encoder.patch_size
    rebuilt = vae.decode(vae.prior(next(vae.parameters()).new_zeros(3, 2)).mean_code.expand(3, 2))
    assert rebuilt.batch_shape == (3, 1, *[settings.output_size] * 3)


def test_the_published_patch_has_ten_voxels():
    settings = ModelSettings(encoder="patch", channels=(2, 2, 2, 2))
    assert (settings.input_size, settings.receptive_size, settings.output_size) == (10, 10, 10)


def test_a_single_point_is_made_from_what_its_code_is_made_from():
    assert ModelSettings().latent_side == 1
    assert ModelSettings().receptive_size == ModelSettings().input_size


@pytest.mark.parametrize(("side", "spacing"), [(3, 1), (3, 3), (5, 3), (3, 5)])
def test_sizes_of_volumes_are_those_of_the_network(side, spacing):
    settings = ModelSettings(latent_side=side, latent_spacing=spacing, hidden=4)
    vae = HyperbolicVAE(settings, in_channels=1)
    patch = torch.zeros(1, 1, *[settings.receptive_size] * 3)
    codes = vae.encoder(patch).mean_code
    # The window's first code is the map's first, and its last the last.
    assert codes[0, ::spacing, ::spacing, ::spacing].shape == (side, side, side, 2)
    assert codes.shape[1] == (side - 1) * spacing + 1
    rebuilt = vae.decode(codes[:, ::spacing, ::spacing, ::spacing])
    assert rebuilt.batch_shape == (1, 1, *[settings.output_size] * 3)
