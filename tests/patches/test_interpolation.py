import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gyrovox.patches.interpolation import excerpt_of
from gyrovox.volumes import Region

counts = st.tuples(*[st.integers(1, 12)] * 3)


def torchs(voxels, shape):
    """The whole grid by torch, whose rule for the faces is the one that is meant."""
    # In float64: in float32 its weights are 1e-6 off.
    found = nn.functional.interpolate(
        voxels[None].double(), size=shape, mode="trilinear", align_corners=False
    )
    return found[0].float()


@given(given_shape=counts, wanted=counts, seed=st.integers(0, 99), data=st.data())
def test_any_box_of_any_grid_is_that_of_the_whole(given_shape, wanted, seed, data):
    generator = torch.Generator().manual_seed(seed)
    voxels = torch.randn(2, *given_shape, generator=generator)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in wanted)
    stop = tuple(data.draw(st.integers(a + 1, n)) for a, n in zip(start, wanted, strict=True))
    box = Region(start, stop)
    excerpt = excerpt_of(wanted, given_shape, box)
    assert excerpt.region.lies_in(given_shape)
    found = excerpt.interpolated(voxels[:, *excerpt.region.slices])
    expected = torchs(voxels, wanted)[:, *box.slices]
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("wanted", [(7, 9, 8), (14, 9, 11), (5, 3, 20)], ids=str)
@pytest.mark.parametrize("margins", [(0, 0), (2, 3), (3, 1)], ids=str)
def test_beyond_its_faces_the_wanted_grid_is_mirrored(wanted, margins):
    voxels = torch.randn(1, 7, 9, 8)
    before, after = margins
    if min(wanted) <= max(margins):
        before = after = 2
    mirrored = np.pad(
        torchs(voxels, wanted).numpy(), [(0, 0)] + [(before, after)] * 3, mode="reflect"
    )
    for start, stop in [((0, 0, 0), wanted), ((0, 1, 2), (3, 3, 8)), ((4, 2, 7), wanted)]:
        box = Region(start, stop)
        excerpt = excerpt_of(wanted, (7, 9, 8), box, before=before, after=after)
        found = excerpt.interpolated(voxels[:, *excerpt.region.slices])
        cut = [
            slice(first, last + before + after)
            for first, last in zip(box.start, box.stop, strict=True)
        ]
        np.testing.assert_allclose(found, mirrored[:, *cut], rtol=1e-6, atol=1e-6)


def test_boxes_are_the_whole_to_the_bit():
    voxels = torch.randn(1, 10, 11, 12)
    wanted = (25, 11, 30)
    whole = excerpt_of(wanted, (10, 11, 12), Region.whole(wanted)).interpolated(voxels)
    for box in [Region((3, 2, 5), (14, 9, 21)), Region((20, 0, 29), (25, 11, 30))]:
        excerpt = excerpt_of(wanted, (10, 11, 12), box)
        found = excerpt.interpolated(voxels[:, *excerpt.region.slices])
        assert torch.equal(found, whole[:, *box.slices])


def test_no_more_is_read_than_what_lies_around_the_box():
    region = excerpt_of((100, 50, 50), (50, 50, 50), Region((40, 10, 10), (60, 20, 20))).region
    assert region == Region((19, 10, 10), (31, 20, 20))


def test_a_box_of_the_same_grid_is_not_copied():
    voxels = torch.randn(1, 4, 5, 6)
    excerpt = excerpt_of((4, 5, 6), (4, 5, 6), Region.whole((4, 5, 6)))
    assert excerpt.interpolated(voxels) is voxels
