"""Which voxels of a volume are worked with."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.errors import VolumeError, VolumeMismatchError, VoxelSizeError
from gyrovox.volumes import Region, Volume, check_mask, inside_of_mask, mask_of

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
    found = mask_of(Volume.from_array(values), volume)
    inside = found.inside()
    assert inside.dtype == np.bool_
    assert np.argwhere(inside).tolist() == [[0, 0, 0], [1, 2, 3]]
    assert (found.voxels, found.is_everything) == (2, False)
    part = inside_of_mask(found.volume, Region((1, 0, 3), (3, 4, 5)))
    np.testing.assert_array_equal(part, inside[1:, :, 3:])


def test_negative_voxels_are_inside(volume):
    values = np.full(volume.spatial_shape, -1, np.int16)
    assert mask_of(Volume.from_array(values), volume).is_everything


@pytest.mark.parametrize("size", [None, SIZE, (3.001, 1.0, 1.0)])
def test_voxel_sizes_that_agree_or_are_unknown_are_fine(volume, size):
    ones = np.ones(volume.spatial_shape, np.uint8)
    assert mask_of(Volume.from_array(ones, voxel_size_nm=size), volume).is_everything


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


class Watched:
    """Voxels by their numbers, and how much was read of them at once."""

    shape = (1, 60, 400, 900)

    def __init__(self, *, strange=0, dtype=np.float64):
        self.dtype = np.dtype(dtype)
        self.strange = strange
        self.most_bytes = self.bytes = 0

    def read(self, region):
        voxels = np.zeros((1, *region.shape), self.dtype)
        voxels[:, : self.strange, 0, 0] = np.nan if self.strange else 0
        # One voxel of every tenth slice is inside.
        voxels[:, -region.start[0] % 10 :: 10, 5, 7] = 1
        self.bytes += voxels.nbytes
        self.most_bytes = max(self.most_bytes, voxels.nbytes)
        return voxels

    @property
    def volume(self):
        return Volume(source=self, voxel_size_nm=None, affine=np.eye(4), name="brain")


def test_a_mask_is_read_once_and_never_as_a_whole():
    source = Watched()
    whole = 60 * 400 * 900 * 8
    found = mask_of(source.volume, source.volume)
    assert found.voxels == 6
    assert source.bytes == whole
    assert source.most_bytes <= 2**25 < whole / 5
    inside = found.inside()
    assert np.argwhere(inside).tolist() == [[z, 5, 7] for z in range(0, 60, 10)]
    assert source.most_bytes <= 2**25


def test_voxels_that_are_not_finite_are_counted_in_all_slabs():
    source = Watched(strange=2)
    slabs = -(-60 // (2**25 // (400 * 900 * 8)))
    with pytest.raises(VolumeError, match=f"brain: .* must be finite, and {2 * slabs} are not"):
        mask_of(source.volume, source.volume)


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
    assert mask_of(turned, volume).is_everything
    one, other = replace(turned, header={}), replace(volume, header={})
    with pytest.raises(VolumeMismatchError, match=r"brain: the axes .* those of scan do"):
        mask_of(one, other)
    assert mask_of(replace(one, affine=volume.affine), other).is_everything
    assert mask_of(one, replace(volume, header=())).is_everything
