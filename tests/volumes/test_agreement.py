"""Whether one network can learn from several volumes."""

import numpy as np
import pytest

from gyrovox.errors import VolumeMismatchError, VoxelSizeError
from gyrovox.volumes import Volume, check_alike


def volume(name, size=None, channels=1):
    return Volume.from_array(
        np.zeros((channels, 3, 4, 5), np.float32), voxel_size_nm=size, name=name
    )


def test_volumes_of_one_kind_are_alike():
    cubic, thick = volume("a", (2.0, 2.0, 2.0)), volume("b", (5.0, 2.01, 2.01))
    check_alike([cubic, volume("unknown"), thick])
    check_alike([cubic])
    check_alike([])


def test_channels_must_agree():
    with pytest.raises(VolumeMismatchError, match=r"a has 1 and b has 2\. Train them apart"):
        check_alike([volume("a"), volume("b", channels=2)])


def test_finest_voxel_sizes_must_agree_as_far_as_they_are_known():
    fine, coarse = volume("fine", (3.0, 1.0, 1.0)), volume("coarse", (3.0, 3.0, 3.0))
    with pytest.raises(VoxelSizeError, match=r"fine has 1 nm and coarse has 3 nm\. Resample one"):
        check_alike([volume("unknown"), fine, volume("unknown"), coarse])
