import pytest
import torch
from benchmarks.quality.networks.tiled_inference import tiled


@pytest.mark.parametrize("shape", [(20, 33, 7), (16, 16, 16), (41, 17, 16)])
def test_a_network_of_single_voxels_gives_the_same_in_tiles(shape):
    image = torch.randn(2, *shape)
    found = tiled(lambda tile: 2 * tile + 1, image, side=16, overlap=4)
    torch.testing.assert_close(found, 2 * image + 1, atol=1e-5, rtol=0)


def test_no_tile_is_larger_than_asked_for():
    seen = []

    def network(tile):
        seen.append(tile.shape[2:])
        return tile

    tiled(network, torch.randn(1, 30, 10, 50), side=16, overlap=4)
    assert set(seen) == {(16, 10, 16)}
    assert len(seen) == 3 * 4


def test_the_middle_of_a_tile_counts_more_than_its_rim():
    def network(tile):
        # The first of two tiles (0 to 10) says 0, the second (6 to 16) says 1.
        return tile[:, :, :1].mean().round().clamp(0, 1).expand_as(tile)

    image = torch.arange(16.0).view(1, 16, 1, 1).expand(1, 16, 1, 1)
    found = tiled(network, image, side=10, overlap=4)[0, :, 0, 0]
    assert found[5] == 0
    assert found[10] == 1
    assert 0 < found[6] < found[9] < 1
