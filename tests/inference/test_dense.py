import numpy as np
import pytest
import torch

from gyrovox.inference import embed_dense, margins
from gyrovox.models import DenseEncoder

TOLERANCE = 1e-5


def encoder_of(channels, dilations=(1, 1), dim=2, widths=(6, 5)):
    """An encoder whose codes vary by much more than the tolerance."""
    encoder = DenseEncoder(channels, widths, dilations, dim).eval()
    with torch.no_grad():
        encoder.head.weight.mul_(3.0)
    return encoder


def literal(encoder, voxels, scale):
    """Each voxel's patch cut from the mirrored volume, averaged in cubes, encoded by itself."""
    side = encoder.patch_size * scale
    before = scale * (encoder.patch_size // 2) + scale // 2
    shape = voxels.shape[1:]
    # The voxel at place -1 is voxel 1: the volume is mirrored at the centre of its first voxel.
    mirrored = np.pad(voxels, [(0, 0)] + [(before, side - 1 - before)] * 3, mode="reflect")
    cubes = np.stack([
        mirrored[:, z : z + side, y : y + side, x : x + side] for z, y, x in np.ndindex(*shape)
    ])
    size = encoder.patch_size
    means = cubes.reshape(len(cubes), len(voxels), size, scale, size, scale, size, scale)
    patches = torch.from_numpy(means.mean(axis=(3, 5, 7)).astype(np.float32))
    patches = patches.to(next(encoder.parameters()))
    with torch.inference_mode():
        codes = torch.cat([encoder(one[None]).mean_code for one in patches])
    return codes.reshape(*shape, -1).cpu()


def assert_dense_is_literal(encoder, shape, scale, device, **options):
    voxels = np.random.default_rng(0).normal(size=shape)
    encoder = encoder.to(device)
    dense = embed_dense(
        encoder, torch.from_numpy(voxels.astype(np.float32)).to(device), scale=scale, **options
    )
    expected = literal(encoder, voxels, scale)
    assert expected.std() > 100 * TOLERANCE
    torch.testing.assert_close(dense, expected, rtol=TOLERANCE, atol=TOLERANCE)


# Odd, even and unequal axes; each is the smallest that the scale allows, or little more.
SHAPES = {1: (4, 5, 9), 2: (6, 7, 8), 3: (9, 8, 10), 4: (11, 13, 12)}


@pytest.mark.parametrize("scale", SHAPES)
def test_dense_embedding_is_patch_by_patch_embedding_at_every_scale(scale, device):
    assert_dense_is_literal(encoder_of(1), (1, *SHAPES[scale]), scale, device)


@pytest.mark.parametrize("scale", SHAPES)
def test_dense_embedding_is_patch_by_patch_embedding_with_several_channels(scale, device):
    assert_dense_is_literal(encoder_of(3, dim=3), (3, *SHAPES[scale]), scale, device)


@pytest.mark.parametrize(("dilations", "scale"), [((1, 2), 1), ((2, 1), 2), ((1, 2), 3)], ids=str)
def test_dense_embedding_is_patch_by_patch_embedding_with_dilation(dilations, scale, device):
    side = scale * (1 + 2 * sum(dilations)) // 2 + 2
    assert_dense_is_literal(encoder_of(2, dilations), (2, side, side + 1, side), scale, device)


@pytest.mark.parametrize("tile", [1, 3, 4, 7, 8, 100])
@pytest.mark.parametrize("scale", [1, 2])
def test_codes_do_not_depend_on_the_tiles(tile, scale, device):
    encoder = encoder_of(2).to(device)
    voxels = torch.randn(2, 7, 6, 9, device=device)
    torch.testing.assert_close(
        embed_dense(encoder, voxels, scale=scale, tile=tile),
        embed_dense(encoder, voxels, scale=scale),
        rtol=TOLERANCE,
        atol=TOLERANCE,
    )


@pytest.mark.parametrize("tile", [2, 5, 64])
def test_dense_embedding_in_tiles_is_patch_by_patch_embedding(tile, device):
    assert_dense_is_literal(encoder_of(1), (1, 7, 6, 8), 2, device, tile=tile)


@pytest.mark.gpu
@pytest.mark.parametrize("scale", SHAPES)
def test_dense_embedding_on_a_gpu_is_patch_by_patch_embedding(scale, device):
    torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are less than the law asks
    try:
        assert_dense_is_literal(encoder_of(2), (2, *SHAPES[scale]), scale, device)
    finally:
        torch.backends.cudnn.allow_tf32 = True


def test_codes_are_float32_on_the_cpu_and_carry_no_gradient(device):
    codes = embed_dense(encoder_of(1).to(device), torch.randn(1, 6, 7, 8, device=device))
    assert codes.shape == (6, 7, 8, 2)
    assert codes.dtype == torch.float32
    assert codes.device.type == "cpu"
    assert not codes.requires_grad


def test_the_volume_is_left_as_it_was(device):
    voxels = torch.randn(1, 6, 6, 6, device=device)
    before = voxels.clone()
    embed_dense(encoder_of(1).to(device), voxels)
    assert torch.equal(voxels, before)


@pytest.mark.parametrize("size", [3, 5, 7, 11])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_margins_add_up_to_a_patch_with_the_voxel_in_its_middle(size, scale):
    before, after = margins(size, scale)
    assert before + after + 1 == size * scale
    assert before - after in {0, 1}


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_volume_too_small_to_be_mirrored_is_refused(scale):
    needed = max(margins(5, scale))
    with pytest.raises(
        ValueError, match=rf"more than {needed} voxels along every axis .* \(z, y, x"
    ):
        embed_dense(encoder_of(1), torch.randn(1, needed, 40, 40), scale=scale)
    assert (
        embed_dense(encoder_of(1), torch.randn(1, *[needed + 1] * 3), scale=scale).isfinite().all()
    )
