import numpy as np
import pytest

from gyrovox.errors import VolumeError
from gyrovox.volumes import Volume
from gyrovox.volumes.validation import check_fillable, check_finite, check_real, check_varies


@pytest.mark.parametrize("dtype", ["u1", "i2", "f2", "f4", "f8", "?", ">u2"])
def test_real_numbers_of_every_kind_pass(dtype):
    check_real(Volume.from_array(np.zeros((3, 4, 5), dtype)))


@pytest.mark.parametrize("dtype", ["c8", "U3", "O", "M8[s]"])
def test_voxels_that_are_no_real_numbers_are_refused(dtype):
    with pytest.raises(VolumeError, match="voxels must be real numbers"):
        check_real(Volume.from_array(np.zeros((3, 4, 5), dtype)))


def test_voxels_that_are_not_finite_are_counted():
    check_finite("cell", nan=0, infinite=0, beyond=0, among=60)
    with pytest.raises(VolumeError, match=r"1 NaN and 2 infinite came among 60.*--nan-policy zero"):
        check_finite("cell", nan=1, infinite=2, beyond=0, among=60)
    with pytest.raises(VolumeError, match="0 NaN and 0 infinite and 1 beyond the range of float32"):
        check_finite("cell", nan=0, infinite=0, beyond=1, among=60)


def test_a_channel_without_a_finite_voxel_cannot_be_filled():
    check_fillable("cell", 0, finite=1)
    with pytest.raises(
        VolumeError, match=r"cell: at least one voxel of each .* channel 2 has none"
    ):
        check_fillable("cell", 2, finite=0)


def test_a_constant_channel_is_refused():
    check_varies("cell", 0, low=1.0, high=2.0)
    with pytest.raises(VolumeError, match=r"cell: .* must vary.*channel 1 is 2.5"):
        check_varies("cell", 1, low=2.5, high=2.5)
