import pytest
import torch
from torch import nn

from gyrovox.models import DenseEncoder, PatchEncoder


@pytest.mark.parametrize(
    ("dilations", "size"), [((1, 1, 1), 7), ((1, 2), 7), ((3,), 7), ((2, 2), 9)]
)
def test_a_code_is_made_from_a_patch(dilations, size, device):
    encoder = DenseEncoder(2, [4] * len(dilations), dilations, 3).to(device)
    assert encoder.patch_size == size
    posterior = encoder(torch.randn(5, 2, size, size, size, device=device))
    assert posterior.mean_code.shape == (5, 1, 1, 1, 3)
    assert posterior.scale.shape == (5, 1, 1, 1, 1)
    wider = encoder(torch.randn(1, 2, size + 1, size + 2, size + 3, device=device))
    assert wider.mean_code.shape == (1, 2, 3, 4, 3)


def test_a_code_depends_on_its_patch_alone():
    encoder = DenseEncoder(1, (4, 4), (1, 2), 2)
    voxels = torch.randn(1, 1, 15, 15, 15, requires_grad=True)
    encoder(voxels).mean_code[0, 4, 4, 4].sum().backward()
    seen = voxels.grad[0, 0].nonzero()
    assert seen.amin(0).tolist() == [4, 4, 4]
    assert seen.amax(0).tolist() == [10, 10, 10]


@pytest.mark.parametrize("scale", [2, 3])
def test_a_scale_reads_every_scale_th_voxel(scale, device):
    encoder = DenseEncoder(2, (4, 5), (1, 2), 2).to(device)
    voxels = torch.randn(1, 2, *[7 * scale] * 3, device=device)
    dense = encoder(voxels, scale=scale)
    assert dense.mean_code.shape[1:4] == (scale,) * 3
    coarse = encoder(voxels[:, :, ::scale, ::scale, ::scale])
    torch.testing.assert_close(dense.mean_code[0, 0, 0, 0], coarse.mean_code[0, 0, 0, 0])
    torch.testing.assert_close(dense.scale[0, 0, 0, 0], coarse.scale[0, 0, 0, 0])


def test_what_is_encoded_is_left_as_it_was(device):
    encoder = DenseEncoder(1, (4,), (1,), 2).to(device)
    voxels = torch.randn(1, 1, 5, 5, 5, device=device)
    before = voxels.clone()
    encoder(voxels)
    assert torch.equal(voxels, before)


@pytest.mark.parametrize("kind", ["dense", "patch"])
def test_every_parameter_learns(kind):
    encoder = (
        DenseEncoder(1, (4, 4), (1, 1), 2) if kind == "dense" else PatchEncoder(1, (4,) * 4, 9, 2)
    )
    size = encoder.patch_size
    posterior = encoder(torch.randn(8, 1, size, size, size))
    (posterior.mean_code.square().sum() + posterior.scale.sum()).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("kind", ["dense", "patch"])
def test_posteriors_start_narrow(kind):
    encoder = (
        DenseEncoder(1, (4, 4), (1, 1), 2) if kind == "dense" else PatchEncoder(1, (4,) * 4, 9, 2)
    )
    size = encoder.patch_size
    scale = encoder(torch.zeros(1, 1, size, size, size)).scale
    assert 0.05 < scale.mean() < 0.3


def test_the_published_layers_are_those_of_the_supplement(device):
    encoder = PatchEncoder(1, (16, 32, 64, 128), 300, 2).to(device)
    sides, widths = [], []
    features = torch.randn(3, 1, 10, 10, 10, device=device)
    for layer in encoder.convolutions:
        features = layer(features)
        if isinstance(layer, nn.Conv3d):
            assert layer.kernel_size == (5, 5, 5)
            sides.append(features.shape[-1])
            widths.append(features.shape[1])
    assert sides == [6, 4, 2, 2]
    assert widths == [16, 32, 64, 128]
    assert encoder.hidden.out_features == 300
    posterior = encoder(torch.randn(3, 1, 10, 10, 10, device=device))
    assert posterior.mean_code.shape == (3, 2)
    assert posterior.scale.shape == (3, 1)


def test_patches_of_a_batch_do_not_see_each_other(device):
    encoder = PatchEncoder(2, (4,) * 4, 9, 3).to(device)
    patches = torch.randn(4, 2, 10, 10, 10, device=device)
    together = encoder(patches).mean_code
    for number in range(4):
        alone = encoder(patches[number : number + 1]).mean_code[0]
        torch.testing.assert_close(together[number], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("inference", [False, True])
def test_mean_codes_are_the_means_of_the_posteriors(channels, scale, inference, device):
    encoder = DenseEncoder(channels, (6, 5), (1, 2), 3).to(device)
    voxels = torch.randn(2, channels, 14, 15, 16, device=device)
    expected = encoder(voxels, scale=scale).mean_code.detach()
    with torch.inference_mode(inference):
        found = encoder.mean_codes(voxels, scale=scale)
    torch.testing.assert_close(found.detach().clone(), expected, rtol=1e-5, atol=1e-5)
    assert found.requires_grad is not inference


def test_the_voxels_are_left_as_they_were():
    encoder = DenseEncoder(1, (6, 5), (1, 1), 2)
    voxels = torch.randn(1, 1, 9, 9, 9)
    before = voxels.clone()
    with torch.inference_mode():
        encoder.mean_codes(voxels)
    assert torch.equal(voxels, before)
