import pytest
import torch

from gyrovox.inference.boxwise import BoxEncoder, embed_boxes, embed_whole


def boxes_of(codes, before=0, after=0, *, more_than=0, tile=5):
    return BoxEncoder(
        codes=codes,
        before=before,
        after=after,
        more_than=more_than,
        dim=2,
        tile=tile,
        device=torch.device("cpu"),
    )


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

    codes = embed_boxes(padded, boxes_of(corner, 0, halo), tile=tile)
    assert codes.shape == (*shape, 2)
    assert torch.equal(codes[..., 1], padded[0, :7, :9, :11])
    assert seen == 7 * 9 * 11


def test_the_side_of_a_box_is_the_encoders_unless_another_is_asked_for():
    seen = []

    def codes(voxels):
        seen.append(tuple(voxels.shape[1:]))
        return voxels[0, ..., None].repeat(1, 1, 1, 2)

    embed_boxes(torch.zeros(1, 10, 10, 10), boxes_of(codes, tile=5))
    assert set(seen) == {(5, 5, 5)}
    seen.clear()
    embed_boxes(torch.zeros(1, 10, 10, 10), boxes_of(codes, tile=5), tile=10)
    assert set(seen) == {(10, 10, 10)}


def test_a_whole_volume_is_mirrored_beyond_its_faces():
    line = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 4, 4, 4).contiguous()

    def first(voxels):
        z, y, x = (length - 3 for length in voxels.shape[1:])
        return voxels[0, :z, :y, :x, None].repeat(1, 1, 1, 2)

    codes = embed_whole(line, boxes_of(first, before=2, after=1, more_than=2))
    assert codes[0, 0, :, 0].tolist() == [2.0, 1.0, 0.0, 1.0]


def test_a_volume_too_small_to_be_mirrored_is_refused():
    with pytest.raises(ValueError, match=r"more than 3 voxels along every axis .* \(3, 9, 9\)"):
        embed_whole(torch.zeros(1, 3, 9, 9), boxes_of(lambda box: box, 3, 3, more_than=3))
