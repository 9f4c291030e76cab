import numpy as np
import pytest
import torch

from gyrovox.patches import WorkingGrid
from gyrovox.volumes import Region


def ramps(shape, size):
    """The physical position of every voxel's centre along each axis, (3, z, y, x)."""
    axes = [(torch.arange(n) + 0.5) * s for n, s in zip(shape, size, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


@pytest.mark.parametrize("size", [None, (2.0, 2.0, 2.0), (1.0, 1.009, 1.0)])
def test_cubic_voxels_are_worked_on_as_they_are(size):
    grid = WorkingGrid((4, 5, 6), size)
    voxels = torch.randn(2, 4, 5, 6)
    assert grid.working_shape == (4, 5, 6)
    assert grid.to_working(voxels) is voxels
    assert grid.from_working(voxels) is voxels


def test_voxels_are_cubic_within_one_percent():
    assert WorkingGrid((100, 100, 100), (1.0, 1.02, 1.0)).working_shape == (100, 102, 100)


@pytest.mark.parametrize(
    ("shape", "size", "working"),
    [
        ((10, 20, 30), (3.0, 1.0, 1.0), (30, 20, 30)),
        ((10, 20, 30), (1.0, 2.0, 4.0), (10, 40, 120)),
        ((155, 240, 240), (1.2e6, 0.9e6, 0.9e6), (207, 240, 240)),
        ((1, 9, 9), (1.4, 1.0, 1.0), (1, 9, 9)),
    ],
)
def test_the_working_grid_has_the_finest_voxel_along_every_axis(shape, size, working):
    grid = WorkingGrid(shape, size)
    assert grid.working_shape == working
    assert grid.side_nm == min(size)


def test_an_unknown_voxel_has_an_unknown_side():
    assert WorkingGrid((4, 5, 6), None).side_nm is None


@pytest.mark.parametrize("size", [(3.0, 1.0, 1.0), (1.0, 2.0, 1.5), (2.5, 1.0, 1.0)], ids=str)
def test_what_is_linear_in_space_stays_so_there_and_back(size):
    shape = (8, 10, 12)
    grid = WorkingGrid(shape, size)
    there = grid.to_working(ramps(shape, size))
    expected = ramps(grid.working_shape, (grid.side_nm,) * 3)
    # Half a coarse voxel from the faces there is nothing to interpolate between.
    rim = [slice(int(s), -int(s)) for s in np.ceil(np.divide(size, 2)) + 1]
    torch.testing.assert_close(there[:, *rim], expected[:, *rim])
    inner = [slice(2, -2)] * 3
    back = grid.from_working(there)
    torch.testing.assert_close(back[:, *inner], ramps(shape, size)[:, *inner])


def test_a_cube_of_the_specimen_is_a_cube_of_the_working_grid():
    voxels = torch.zeros(1, 10, 30, 30)
    voxels[:, 4:6, 12:18, 12:18] = 1.0  # 6 nm along every axis
    found = WorkingGrid((10, 30, 30), (3.0, 1.0, 1.0)).to_working(voxels) > 0.5
    z, y, x = found[0].nonzero().T
    assert [len(axis.unique()) for axis in (z, y, x)] == [6, 6, 6]


def test_several_channels_are_resampled_each_by_itself():
    grid = WorkingGrid((4, 6, 6), (2.0, 1.0, 1.0))
    voxels = torch.randn(3, 4, 6, 6)
    together = grid.to_working(voxels)
    for channel in range(3):
        assert torch.equal(together[channel : channel + 1], grid.to_working(voxels[[channel]]))


@pytest.mark.parametrize("size", [None, (3.0, 1.0, 1.0), (1.0, 2.3, 1.5)], ids=str)
def test_boxes_there_and_back_are_those_of_the_whole(size):
    shape = (9, 14, 11)
    grid = WorkingGrid(shape, size)
    voxels = torch.randn(2, *shape)
    there = grid.to_working(voxels)
    middle = Region((2, 3, 4), grid.working_shape)
    onto = grid.onto(middle)
    found = onto.interpolated(voxels[:, *onto.region.slices])
    assert torch.equal(found, there[:, *middle.slices])
    part = Region((1, 5, 0), (8, 6, 11))
    back = grid.back(part)
    found = back.interpolated(there[:, *back.region.slices])
    assert torch.equal(found, grid.from_working(there)[:, *part.slices])


def test_margins_are_of_working_voxels():
    grid = WorkingGrid((10, 30, 30), (3.0, 1.0, 1.0))
    onto = grid.onto(Region((9, 10, 10), (12, 20, 20)), before=3, after=2)
    found = onto.interpolated(torch.zeros(1, *onto.region.shape))
    assert found.shape == (1, 8, 15, 15)
    assert onto.region == Region((1, 7, 7), (6, 22, 22))
