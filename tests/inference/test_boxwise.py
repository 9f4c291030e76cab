import pytest
import torch

from gyrovox.inference.boxwise import embed_boxes


@pytest.mark.parametrize("tile", [3, 5, 100])
@pytest.mark.parametrize("halo", [0, 3])
def test_every_code_is_made_once_from_its_own_voxels(halo, tile):
    shape = (7, 9, 11)
    padded = torch.arange(float((7 + halo) * (9 + halo) * (11 + halo)))
    padded = padded.reshape(1, 7 + halo, 9 + halo, 11 + halo)
    seen = 0

    def corner(voxels):
        nonlocal seen
        z, y, x = (length - halo for length in voxels.shape[1:])
        seen += z * y * x
        return voxels[0, :z, :y, :x, None].repeat(1, 1, 1, 2)

    codes = embed_boxes(padded, corner, halo=halo, dim=2, tile=tile, quiet=True)
    assert codes.shape == (*shape, 2)
    assert torch.equal(codes[..., 1], padded[0, :7, :9, :11])
    assert seen == 7 * 9 * 11
