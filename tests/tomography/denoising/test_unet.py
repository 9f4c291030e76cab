import pytest
import torch

from gyrovox.tomography.denoising.unet import UNet


def drawn(channels):
    network = UNet(channels)
    torch.nn.init.normal_(network.head.weight)
    return network.double()


@pytest.mark.parametrize("channels", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_a_voxel_depends_on_nothing_beyond_the_halo(channels):
    network = drawn(channels)
    side = 2 * network.halo + 4 * network.stride
    voxels = torch.randn(1, 1, side, 1 * network.stride, network.stride, dtype=torch.float64)
    voxels.requires_grad_(True)
    # A tile, one stride thick, in the middle.
    start = side // 2 // network.stride * network.stride
    network(voxels)[0, 0, start : start + network.stride].sum().backward()
    seen = voxels.grad[0, 0].abs().amax((1, 2)).nonzero()[:, 0]
    before, after = start - seen.min().item(), seen.max().item() - (start + network.stride - 1)
    assert max(before, after) <= network.halo
    assert max(before, after) > network.halo - 2 * network.stride - 1  # nor is it much larger


def test_sizes_halve_at_every_scale():
    assert (UNet((2,)).stride, UNet((2,)).halo) == (1, 2)
    assert (UNet((2, 2)).stride, UNet((2, 2)).halo) == (2, 10)
    network = UNet((2, 2, 2))
    assert (network.stride, network.halo) == (4, 24)
    assert network(torch.zeros(2, 1, 8, 12, 4)).shape == (2, 1, 8, 12, 4)


def test_the_network_begins_at_the_mean():
    network = UNet((4, 8))
    assert not network(torch.randn(1, 1, 8, 8, 8)).any()


def test_what_moves_by_a_stride_is_denoised_alike():
    network = drawn((3, 4))
    voxels = torch.randn(1, 1, 24, 24, 24, dtype=torch.float64)
    moved = voxels.roll((2, 4, 2), (2, 3, 4))
    expected = network(voxels).roll((2, 4, 2), (2, 3, 4))
    middle = (..., slice(12, 16), slice(14, 16), slice(12, 16))
    torch.testing.assert_close(network(moved)[middle], expected[middle])
