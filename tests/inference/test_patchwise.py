import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import nn

from gyrovox.inference import FoldedEncoder, embed_patchwise
from gyrovox.models import PatchEncoder

TOLERANCE = 1e-5
WIDTHS = (3, 4, 5, 6)


def encoder_of(channels, dim=2):
    """A small one of the published shape, whose codes vary by much more than the tolerance."""
    encoder = PatchEncoder(channels, WIDTHS, 16, dim).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1.5)
    return encoder


def literal(encoder, voxels, side):
    """Each voxel's cube cut from the mirrored volume, resized by SciPy, encoded by itself."""
    reach = 8
    mirrored = np.pad(voxels, [(0, 0)] + [(reach, reach)] * 3, mode="reflect")
    steps = (np.arange(10) + 0.5) * side / 10 - 0.5 - side // 2 + reach
    codes = []
    for place in np.ndindex(*voxels.shape[1:]):
        grid = np.meshgrid(*(steps + start for start in place), indexing="ij")
        patch = np.stack([map_coordinates(one, grid, order=1) for one in mirrored])
        patch = torch.from_numpy(patch.astype(np.float32))[None].to(next(encoder.parameters()))
        with torch.inference_mode():
            codes.append(encoder(patch).mean_code)
    return torch.cat(codes).reshape(*voxels.shape[1:], -1).cpu()


def assert_embedding_is_literal(side, shape, device, dim=2):
    voxels = np.random.default_rng(0).normal(size=shape)
    encoder = encoder_of(shape[0], dim).to(device)
    found = embed_patchwise(
        encoder, torch.from_numpy(voxels.astype(np.float32)).to(device), side=side
    )
    expected = literal(encoder, voxels, side)
    assert expected.std() > 100 * TOLERANCE
    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("side", "shape"),
    [(5, (1, 6, 7, 8)), (5, (3, 6, 6, 7)), (2, (2, 3, 5, 4)), (1, (2, 2, 3, 4))],
    ids=str,
)
def test_shared_and_folded_is_the_published_network_patch_by_patch(side, shape, device):
    assert_embedding_is_literal(side, shape, device, dim=3)


def test_a_cube_as_large_as_the_patch_needs_no_interpolation(device):
    voxels = torch.randn(2, 11, 11, 12, device=device)
    encoder = encoder_of(2).to(device)
    codes = embed_patchwise(encoder, voxels, side=10)
    with torch.inference_mode():
        for z, y, x in [(5, 5, 5), (6, 6, 7), (5, 6, 6)]:
            cut = voxels[:, z - 5 : z + 5, y - 5 : y + 5, x - 5 : x + 5]
            expected = encoder(cut[None]).mean_code[0].cpu()
            torch.testing.assert_close(codes[z, y, x], expected, rtol=1e-5, atol=TOLERANCE)


@pytest.mark.gpu
def test_shared_and_folded_on_a_gpu_is_the_published_network(device):
    torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are less than the law asks
    try:
        assert_embedding_is_literal(5, (2, 6, 7, 6), device)
    finally:
        torch.backends.cudnn.allow_tf32 = True


@pytest.mark.parametrize("tile", [1, 3, 5, 100])
def test_codes_do_not_depend_on_the_tiles(tile, device):
    encoder = encoder_of(1).to(device)
    voxels = torch.randn(1, 6, 7, 6, device=device)
    torch.testing.assert_close(
        embed_patchwise(encoder, voxels, tile=tile),
        embed_patchwise(encoder, voxels),
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )


def test_a_folded_convolution_is_the_padded_one(device):
    encoder = encoder_of(2).to(device)
    features = torch.randn(7, WIDTHS[0], 6, 6, 6, device=device)
    with torch.inference_mode():
        rest = encoder.convolutions[2:](features).flatten(1)
        raw = encoder.head(torch.relu(encoder.hidden(rest)))
        expected = torch.cat([raw[:, :-1], nn.functional.softplus(raw[:, -1:]) + 1e-4], dim=-1)
        found = FoldedEncoder(encoder).posteriors(features)
    assert [type(layer) for layer in encoder.convolutions[:2]] == [nn.Conv3d, nn.ReLU]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_codes_are_float32_on_the_cpu_and_carry_no_gradient(device):
    codes = embed_patchwise(encoder_of(1).to(device), torch.randn(1, 6, 7, 8, device=device))
    assert codes.shape == (6, 7, 8, 2)
    assert codes.dtype == torch.float32
    assert codes.device.type == "cpu"
    assert not codes.requires_grad


@pytest.mark.parametrize("side", [-5, 0, 3, 4, 20])
def test_a_side_that_does_not_divide_the_patch_is_refused(side):
    with pytest.raises(
        ValueError, match=f"side must divide 10, .* and is {side}. Pass 1, 2, 5 or 10"
    ):
        embed_patchwise(encoder_of(1), torch.randn(1, 30, 30, 30), side=side)


@pytest.mark.parametrize("side", [1, 2, 5, 10])
def test_a_volume_no_larger_than_the_cube_is_refused(side):
    with pytest.raises(
        ValueError, match=rf"more than {side} voxels along every axis .* \({side}, "
    ):
        embed_patchwise(encoder_of(1), torch.randn(1, side, 30, 30), side=side)
    assert (
        embed_patchwise(encoder_of(1), torch.randn(1, *[side + 1] * 3), side=side).isfinite().all()
    )
