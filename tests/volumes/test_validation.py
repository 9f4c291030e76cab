import numpy as np
import pytest

from gyrovox.errors import VolumeError
from gyrovox.volumes import Volume, validated


def holey(dtype=np.float32):
    voxels = np.arange(60, dtype=dtype).reshape(3, 4, 5)
    voxels[0, 0, 0] = np.nan
    voxels[1, 2, 3] = np.inf
    voxels[2, 3, 4] = -np.inf
    return voxels


@pytest.mark.parametrize("dtype", ["u1", "i2", "f2", "f4", "f8", "?", ">u2"])
def test_real_numbers_of_every_kind_become_float32(dtype):
    voxels = (np.arange(60).reshape(3, 4, 5) % 2).astype(dtype)
    seen = validated(Volume.from_array(voxels))
    assert (seen.dtype, seen.shape) == (np.float32, (1, 3, 4, 5))
    assert (seen[0] == voxels).all()


@pytest.mark.parametrize("dtype", ["c8", "U3", "O", "M8[s]"])
def test_voxels_that_are_no_real_numbers_are_refused(dtype):
    with pytest.raises(VolumeError, match="voxels must be real numbers"):
        validated(Volume.from_array(np.zeros((3, 4, 5), dtype)))


def test_voxels_that_are_not_finite_are_counted():
    with pytest.raises(VolumeError, match=r"1 NaN and 2 infinite came among 60.*--nan-policy zero"):
        validated(Volume.from_array(holey()))


def test_voxels_beyond_float32_are_counted_apart():
    voxels = holey(np.float64)
    voxels[1, 1, 1] = 1e300
    with pytest.raises(VolumeError, match="1 NaN and 2 infinite and 1 beyond the range of float32"):
        validated(Volume.from_array(voxels))


@pytest.mark.parametrize("policy", ["zero", "mean"])
def test_voxels_that_are_not_finite_are_filled_on_request(policy):
    voxels = holey()
    finite = voxels[np.isfinite(voxels)]
    seen = validated(Volume.from_array(voxels), nan_policy=policy)[0]
    expected = 0 if policy == "zero" else finite.mean(dtype=np.float64)
    assert seen[~np.isfinite(voxels)] == pytest.approx(expected)
    assert (seen[np.isfinite(voxels)] == finite).all()
    assert np.isnan(voxels).sum() == 1, "the caller's array is left alone"


def test_the_mean_is_that_of_the_channel():
    voxels = np.stack([holey(), holey() + 1000])
    seen = validated(Volume.from_array(voxels), nan_policy="mean")
    assert seen[1, 0, 0, 0] - seen[0, 0, 0, 0] == pytest.approx(1000)


def test_a_channel_without_a_finite_voxel_cannot_be_filled():
    with pytest.raises(VolumeError, match="at least one voxel of each channel must be finite"):
        validated(Volume.from_array(np.full((3, 4, 5), np.nan)), nan_policy="mean")


def test_a_constant_channel_is_refused():
    voxels = np.stack([np.arange(60.0).reshape(3, 4, 5), np.full((3, 4, 5), 2.5)])
    with pytest.raises(VolumeError, match=r"must vary.*channel 1 is 2.5"):
        validated(Volume.from_array(voxels))
