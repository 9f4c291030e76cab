"""Which voxels of a volume are worked with."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import VolumeError, VolumeMismatchError, VoxelSizeError
from gyrovox.volumes import Volume, check_mask, mask_of

SIZE = (3.0, 1.0, 1.0)


@pytest.fixture
def voxels():
    return np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)


@pytest.fixture
def volume(voxels):
    return Volume.from_array(voxels, voxel_size_nm=SIZE, name="scan")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_inside_is_what_is_not_0(volume, dtype):
    values = np.zeros(volume.spatial_shape, dtype)
    values[1, 2, 3], values[0, 0, 0] = 7, 1
    inside = mask_of(Volume.from_array(values), volume)
    assert inside.dtype == np.bool_
    assert np.argwhere(inside).tolist() == [[0, 0, 0], [1, 2, 3]]


def test_negative_voxels_are_inside(volume):
    values = np.full(volume.spatial_shape, -1, np.int16)
    assert mask_of(Volume.from_array(values), volume).all()


@pytest.mark.parametrize("size", [None, SIZE, (3.001, 1.0, 1.0)])
def test_voxel_sizes_that_agree_or_are_unknown_are_fine(volume, size):
    ones = np.ones(volume.spatial_shape, np.uint8)
    assert mask_of(Volume.from_array(ones, voxel_size_nm=size), volume).all()


def mask(values, **about):
    return Volume.from_array(values, name="brain", **about)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (
            lambda v: mask(np.ones((2, *v.shape), np.uint8)),
            VolumeError,
            "brain: a mask must have one channel, got 2",
        ),
        (
            lambda v: mask(np.ones(v.shape, np.complex64)),
            VolumeError,
            "brain: .* real numbers, and complex64 came",
        ),
        (
            lambda v: mask(np.ones(v.shape[::-1], np.uint8)),
            VolumeMismatchError,
            r"brain: .* has \(5, 4, 3\) \(z, y, x\), and scan has \(3, 4, 5\). Resample",
        ),
        (
            lambda v: mask(np.ones(v.shape, np.uint8), voxel_size_nm=(1.0, 1.0, 1.0)),
            VoxelSizeError,
            "brain: .* has 1 × 1 × 1 nm .*, and scan has 3 × 1 × 1 nm. Check",
        ),
        (
            lambda v: mask(np.where(v > 0, np.nan, v)),
            VolumeError,
            "brain: .* must be finite, and .* are not. Write 0",
        ),
        (
            lambda v: mask(np.zeros(v.shape, np.uint8)),
            VolumeError,
            "brain: some voxels of a mask must not be 0, and all are",
        ),
    ],
)
def test_what_is_no_mask_of_the_volume_is_refused(volume, voxels, made, error, message):
    with pytest.raises(error, match=message):
        mask_of(made(voxels), volume)


def test_arrays_are_checked_too(volume):
    check_mask(np.ones(volume.spatial_shape, np.bool_), volume)
    with pytest.raises(VolumeError, match="the mask: some voxels"):
        check_mask(np.zeros(volume.spatial_shape, np.bool_), volume)
    with pytest.raises(VolumeMismatchError, match=r"the mask: .* has \(3, 4, 4\)"):
        check_mask(np.ones((3, 4, 4), np.bool_), volume)


def test_a_mirrored_mask_is_refused_where_headers_can_be_compared(volume):
    mirrored = volume.affine.copy()
    mirrored[2] *= -1
    ones = np.ones(volume.spatial_shape, np.uint8)
    turned = Volume.from_array(ones, voxel_size_nm=SIZE, affine=mirrored, name="brain")
    assert mask_of(turned, volume).all()
    one, other = replace(turned, header={}), replace(volume, header={})
    with pytest.raises(VolumeMismatchError, match=r"brain: the axes .* those of scan do"):
        mask_of(one, other)
    assert mask_of(replace(one, affine=volume.affine), other).all()
    assert mask_of(one, replace(volume, header=())).all()
