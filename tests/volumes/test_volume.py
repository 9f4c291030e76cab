import subprocess
import sys

import numpy as np
import pytest

import gyrovox.volumes
from gyrovox.errors import VolumeError
from gyrovox.volumes import Region, Volume, axis_aligned, is_axis_aligned

SIZES = (4.0, 1.5, 1.25)


def test_three_axes_are_one_channel():
    volume = Volume.from_array(np.zeros((3, 4, 5)), voxel_size_nm=SIZES)
    assert volume.shape == (1, 3, 4, 5)
    assert (volume.spatial_shape, volume.channels, volume.dtype) == ((3, 4, 5), 1, np.float64)
    assert volume.affine.tolist() == np.diag([4, 1.5, 1.25, 1]).tolist()


def test_four_axes_have_channels_first():
    assert Volume.from_array(np.zeros((2, 3, 4, 5))).channels == 2


def test_an_unknown_voxel_size_counts_in_voxels():
    volume = Volume.from_array(np.zeros((3, 4, 5)))
    assert volume.voxel_size_nm is None
    assert volume.affine.tolist() == np.eye(4).tolist()


def test_a_region_is_read():
    voxels = np.arange(60).reshape(3, 4, 5)
    volume = Volume.from_array(voxels)
    assert (volume.read(Region((1, 1, 2), (3, 2, 5)))[0] == voxels[1:3, 1:2, 2:5]).all()
    assert (volume.read()[0] == voxels).all()


def test_a_region_beyond_the_volume_is_refused():
    with pytest.raises(VolumeError, match=r"must lie in the volume of \(3, 4, 5\) voxels"):
        Volume.from_array(np.zeros((3, 4, 5))).read(Region((0, 0, 0), (3, 4, 6)))


@pytest.mark.parametrize("shape", [(4, 5), (1, 2, 3, 4, 5)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(VolumeError, match=rf"must have 3 axes.*{len(shape)} came"):
        Volume.from_array(np.zeros(shape))


def test_an_empty_axis_is_refused():
    with pytest.raises(VolumeError, match="at least one voxel along every axis"):
        Volume.from_array(np.zeros((3, 0, 5)))


@pytest.mark.parametrize("sizes", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, float("nan"))])
def test_voxel_sizes_that_are_no_lengths_are_refused(sizes):
    with pytest.raises(VolumeError, match=r"positive and finite|finite and invertible"):
        Volume.from_array(np.zeros((3, 4, 5)), voxel_size_nm=sizes)
    with pytest.raises(VolumeError, match="positive and finite"):
        Volume.from_array(np.zeros((3, 4, 5)), voxel_size_nm=sizes, affine=np.eye(4))


def test_an_affine_that_disagrees_with_the_voxel_size_is_refused():
    with pytest.raises(VolumeError, match="columns of the affine must be as long as the voxels"):
        Volume.from_array(np.zeros((3, 4, 5)), voxel_size_nm=SIZES, affine=np.eye(4))


def test_a_singular_affine_is_refused():
    with pytest.raises(VolumeError, match="finite and invertible"):
        Volume.from_array(np.zeros((3, 4, 5)), affine=np.zeros((4, 4)))


def test_a_voxel_size_can_be_supplied_for_a_file_that_does_not_say_it():
    affine = axis_aligned(None, (2.0, 4.0, 8.0))
    volume = Volume.from_array(np.zeros((3, 4, 5)), affine=affine).with_voxel_size(SIZES)
    assert volume.voxel_size_nm == SIZES
    assert volume.origin_nm == (8.0, 6.0, 10.0)


def test_another_voxel_size_keeps_the_directions_and_the_origin():
    flipped = np.diag([-2.0, 3.0, 4.0, 1.0])
    flipped[:3, 3] = 5, 6, 7
    before = Volume.from_array(np.zeros((3, 4, 5)), voxel_size_nm=(2.0, 3.0, 4.0), affine=flipped)
    after = before.with_voxel_size((1.0, 1.0, 1.0))
    assert np.diag(after.affine).tolist() == [-1, 1, 1, 1]
    assert after.origin_nm == (5.0, 6.0, 7.0)


def test_rotations_flips_and_shears_are_told_from_scales():
    assert is_axis_aligned(axis_aligned(SIZES, (1.0, -2.0, 3.0)))
    assert not is_axis_aligned(np.diag([-1.0, 1.0, 1.0, 1.0]))
    assert not is_axis_aligned(np.eye(4)[[0, 2, 1, 3]])
    shear = np.eye(4)
    shear[0, 1] = 0.01
    assert not is_axis_aligned(shear)


def test_the_phantom_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, gyrovox.volumes as volumes; assert 'scipy' not in sys.modules\n"
        "volumes.cell_phantom, volumes.CellPhantom, volumes.CellRecipe"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'cell_fantom'"):
        _ = gyrovox.volumes.cell_fantom
