import pytest
import torch

from gyrovox.patches import scale_pyramid, scale_weights, sliding_mean


def test_a_voxel_of_a_level_is_the_mean_of_a_cube():
    voxels = torch.randn(2, 13, 12, 15)
    levels = scale_pyramid(voxels, (1, 2, 3), smallest=3)
    assert list(levels) == [1, 2, 3]
    assert levels[1] is voxels
    for scale, level in levels.items():
        assert level.shape == (2, 13 // scale, 12 // scale, 15 // scale)
        z, y, x = 2, 1, 3
        cube = voxels[
            :,
            scale * z : scale * (z + 1),
            scale * y : scale * (y + 1),
            scale * x : scale * (x + 1),
        ]
        torch.testing.assert_close(level[:, z, y, x], cube.mean((1, 2, 3)))


@pytest.mark.parametrize(
    ("side", "kept"), [(6, []), (7, [1]), (13, [1]), (14, [1, 2]), (28, [1, 2, 4])]
)
def test_levels_that_are_smaller_than_a_patch_are_left_out(side, kept):
    levels = scale_pyramid(torch.randn(1, side, 40, 40), (1, 2, 4), smallest=7)
    assert list(levels) == kept


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_sliding_mean_is_the_mean_of_the_cube_that_begins_there(scale):
    voxels = torch.randn(2, 6, 7, 8)
    found = sliding_mean(voxels, scale)
    expected = voxels
    for axis in (1, 2, 3):
        expected = expected.unfold(axis, scale, 1).mean(-1)
    torch.testing.assert_close(found, expected)


def test_a_level_is_the_sliding_mean_at_every_scale_th_voxel():
    voxels = torch.randn(1, 9, 9, 9)
    level = scale_pyramid(voxels, (1, 3), smallest=1)[3]
    torch.testing.assert_close(level, sliding_mean(voxels, 3)[:, ::3, ::3, ::3])


def test_weights_follow_the_length_of_an_octave_or_not():
    torch.testing.assert_close(
        scale_weights([1, 2, 5], "uniform"), torch.tensor([1.0, 2.0, 5.0]) / 8
    )
    torch.testing.assert_close(scale_weights([1, 2, 5], "log-uniform"), torch.ones(3) / 3)
