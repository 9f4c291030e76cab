import numpy as np
import pytest
import torch
from benchmarks.quality.networks.spatial_transform import (
    integrated,
    resized_displacement,
    sample,
    voxel_positions,
    warp,
)
from scipy import ndimage

SHAPE = (7, 9, 11)


def constant(*vector, shape=SHAPE):
    return torch.tensor(vector).view(1, 3, 1, 1, 1).expand(1, 3, *shape)


def smooth_velocity(seed=0, side=20):
    noise = np.random.default_rng(seed).standard_normal((3, side, side, side))
    smooth = np.stack([ndimage.gaussian_filter(one, 4) for one in noise])
    # Zero at the faces, so that nothing leaves the volume.
    ramp = np.sin(np.linspace(0, np.pi, side))
    window = ramp[:, None, None] * ramp[:, None] * ramp
    return torch.from_numpy((50 * smooth * window).astype(np.float32))[None]


def test_no_displacement_changes_nothing():
    volume = torch.randn(1, 2, *SHAPE)
    torch.testing.assert_close(warp(volume, constant(0.0, 0.0, 0.0)), volume, atol=1e-5, rtol=0)


def test_axes_are_z_y_x_in_voxels():
    volume = torch.randn(1, 1, *SHAPE)
    moved = warp(volume, constant(1.0, 2.0, 3.0))
    torch.testing.assert_close(
        moved[..., :-1, :-2, :-3], volume[..., 1:, 2:, 3:], atol=1e-4, rtol=0
    )


def test_values_between_voxels_agree_with_scipy():
    volume = torch.randn(1, 1, *SHAPE)
    where = torch.rand(1, 3, 4, 5, 6) * (torch.tensor(SHAPE) - 1).view(1, 3, 1, 1, 1)
    expected = ndimage.map_coordinates(volume[0, 0].numpy(), where[0].numpy(), order=1)
    np.testing.assert_allclose(sample(volume, where)[0, 0].numpy(), expected, atol=1e-4)


def test_classes_stay_classes():
    classes = torch.randint(0, 5, (1, 1, *SHAPE)).float()
    moved = warp(classes, constant(0.3, -0.4, 0.2), mode="nearest")
    torch.testing.assert_close(moved, classes)


def test_what_lies_beyond_is_nothing_where_that_is_asked_for():
    where = voxel_positions((2, 2, 2))[None] - 50
    assert sample(torch.ones(1, 1, *SHAPE), where, beyond="zeros").abs().max() == 0


def test_a_constant_velocity_moves_by_itself():
    velocity = constant(0.5, -1.0, 1.5)
    torch.testing.assert_close(integrated(velocity), velocity, atol=1e-4, rtol=0)


def test_a_displacement_in_a_volume_agrees_with_small_steps_of_euler():
    velocity = smooth_velocity()
    where = start = voxel_positions(velocity.shape[2:])[None]
    for _ in range(400):
        where = where + sample(velocity, where) / 400
    assert (where - start).abs().max() > 1
    torch.testing.assert_close(integrated(velocity), where - start, atol=0.05, rtol=0)


def test_the_negative_velocity_is_the_inverse():
    velocity = smooth_velocity()
    there, back = integrated(velocity), integrated(-velocity)
    assert there.abs().max() > 1
    assert (there + warp(back, there)).abs().max() < 0.1


def test_a_displacement_is_the_same_map_on_a_finer_grid():
    # u(p) = p (on a box from 0) doubles every position, in whatever voxels.
    coarse, fine = voxel_positions((4, 5, 6))[None], voxel_positions((10, 9, 21))[None]
    torch.testing.assert_close(resized_displacement(coarse, (10, 9, 21)), fine, atol=1e-4, rtol=0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_of_one_slice_is_sampled(axis):
    shape = [4, 4, 4]
    shape[axis] = 1
    volume = torch.randn(1, 1, *shape)
    torch.testing.assert_close(warp(volume, torch.zeros(1, 3, *shape)), volume, atol=1e-5, rtol=0)
