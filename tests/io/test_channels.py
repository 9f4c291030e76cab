import numpy as np
import pytest

from gyrovox.errors import VolumeMismatchError
from gyrovox.io.channels import joined, one_channel
from gyrovox.volumes import Region, Volume, axis_aligned

SIZES = (4.0, 1.5, 1.25)


def made(array=None, sizes=SIZES, origin=(0.0, 0.0, 0.0), name="a"):
    array = np.zeros((3, 4, 5), np.uint8) if array is None else array
    affine = axis_aligned(sizes, origin)
    return Volume.from_array(array, voxel_size_nm=sizes, affine=affine, name=name)


def test_channels_follow_one_another_in_the_smallest_type_that_holds_all():
    first = np.random.default_rng(0).integers(0, 255, (3, 4, 5), np.uint8)
    second = np.random.default_rng(1).integers(-99, 99, (2, 3, 4, 5), np.int16)
    volume = joined([made(first), made(second, name="b")])
    assert (volume.shape, volume.dtype, volume.name) == ((3, 3, 4, 5), np.int16, "a")
    assert (volume.read() == np.concatenate([first[np.newaxis], second])).all()
    region = Region((1, 1, 1), (2, 3, 4))
    assert (volume.read(region) == volume.read()[:, *region.slices]).all()


def test_one_volume_stays_itself():
    volume = made()
    assert joined([volume]) is volume
    assert one_channel(volume, 0) is volume


def test_one_channel_is_cut_out():
    voxels = np.random.default_rng(0).normal(size=(3, 3, 4, 5))
    channel = one_channel(made(voxels), 1)
    assert channel.shape == (1, 3, 4, 5)
    assert channel.dtype == np.float64
    assert (channel.read()[0] == voxels[1]).all()


def test_other_shapes_are_refused():
    with pytest.raises(VolumeMismatchError, match=r"a and b have \(3, 4, 5\) and \(3, 4, 6\)"):
        joined([made(), made(np.zeros((3, 4, 6)), name="b")])


@pytest.mark.parametrize("sizes", [(4.0, 1.5, 1.3), None])
def test_other_voxel_sizes_are_refused(sizes):
    with pytest.raises(VolumeMismatchError, match=r"one voxel size.*\(4\.0, 1\.5, 1\.25\) and"):
        joined([made(), made(sizes=sizes, name="b")])


def test_unknown_voxel_sizes_agree():
    assert joined([made(sizes=None), made(sizes=None)]).channels == 2


def test_another_place_is_refused():
    with pytest.raises(VolumeMismatchError, match=r"one place \(affine\).*up to 2 voxels apart"):
        joined([made(), made(origin=(0.0, 3.0, 0.0), name="b")])


def test_a_rounding_of_the_place_is_none():
    assert joined([made(), made(origin=(0.0, 0.01, 0.0))]).channels == 2


def test_a_rotation_is_seen_at_the_corners():
    angle = 0.05
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turned = Volume.from_array(np.zeros((3, 40, 50)), affine=turn)
    straight = Volume.from_array(np.zeros((3, 40, 50)))
    with pytest.raises(VolumeMismatchError, match=r"one place \(affine\)"):
        joined([straight, turned])
