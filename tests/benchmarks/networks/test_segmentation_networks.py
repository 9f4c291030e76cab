import pytest
import torch
from benchmarks.quality.networks.cascaded_unet import CascadedUNet
from benchmarks.quality.networks.residual_unet import ResidualDecoder
from benchmarks.quality.networks.transform_network import TransformNetwork
from benchmarks.quality.networks.unet3d import UNet3d

SHAPE = (9, 12, 17)


def test_the_published_width_has_the_published_number_of_parameters():
    network = UNet3d(3, 3, width=32)
    # 19 069 955 as published; it counts biases of convolutions, which normalisation makes void.
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(19_069_955, rel=2e-3)


def test_channels_double_before_the_pooling():
    network = UNet3d(1, 2, width=4)
    assert [(step[0].out_channels, step[3].out_channels) for step in network.down] == [
        (4, 8),
        (8, 16),
        (16, 32),
        (32, 64),
    ]


def test_one_image_of_a_batch_does_not_change_another():
    network = UNet3d(2, 5, width=2)
    images = torch.randn(2, 2, *SHAPE)
    together = network(images)
    assert together.shape == (2, 5, *SHAPE)
    torch.testing.assert_close(together[:1], network(images[:1]), atol=1e-4, rtol=1e-4)


def test_the_second_stage_is_twice_as_wide_and_sees_the_first():
    network = CascadedUNet(2, (2, 4), width=2).eval()
    assert network.first_encoder.first.out_channels == 2
    assert network.second_encoder.first.out_channels == 4
    assert network.second_encoder.first.in_channels == 2 + 6
    image = torch.randn(1, 2, *SHAPE)
    before = network(image).fine
    network.first_decoder.last.bias.data[0] += 5
    assert (network(image).fine - before).abs().max() > 1e-4


def test_the_second_decoder_is_there_in_training_alone():
    network = CascadedUNet(1, (2, 4), width=2)
    image = torch.randn(1, 1, *SHAPE)
    output = network(image)
    assert output.regulariser is not None
    assert output.regulariser.shape == output.fine.shape == (1, 6, *SHAPE)
    output.regulariser[:, 0].sum().backward()
    # It moves the encoder that it shares, and not the decoder beside it.
    assert network.second_encoder.first.weight.grad.abs().max() > 0
    assert network.second_decoder.last.weight.grad is None
    assert network.eval()(image).regulariser is None


def test_there_are_two_ways_to_enlarge():
    with pytest.raises(ValueError, match="got 'shuffle'"):
        ResidualDecoder(2, width=2, resolutions=2, enlarging="shuffle")


def test_a_transform_begins_at_almost_nothing():
    network = TransformNetwork(2, 3, widths=(4, 8, 8))
    field = network(torch.randn(1, 2, *SHAPE), torch.randn(1, 2, *SHAPE))
    assert field.shape == (1, 3, *SHAPE)
    assert 0 < field.abs().max() < 1e-2
