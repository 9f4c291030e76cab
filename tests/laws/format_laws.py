"""Laws that every volume format keeps: plain functions, to be run over formats and volumes."""

import numpy as np

import gyrovox.io as volume_io
from gyrovox.volumes import Region

TOLERANCE = 2e-6  # NIfTI and MRC keep lengths in float32


def check_same_voxels(found, expected):
    assert found.shape == expected.shape
    assert (found.read() == expected.read()).all()


def check_same_place(found, expected):
    if expected.voxel_size_nm is None:
        assert found.voxel_size_nm is None
    else:
        np.testing.assert_allclose(found.voxel_size_nm, expected.voxel_size_nm, rtol=TOLERANCE)
    largest = np.abs(expected.affine[:3]).max()
    np.testing.assert_allclose(found.affine, expected.affine, atol=TOLERANCE * largest)


def check_regions_are_cut_from_the_whole(volume):
    whole = volume.read()
    depth, height, width = volume.spatial_shape
    for region in (
        Region((0, 0, 0), (1, 1, 1)),
        Region((depth - 1, 1, 2), (depth, height, width - 1)),
        Region((1, 0, 0), (depth - 1, height, width)),
        Region((2, 2, 2), (2, 4, 4)),
    ):
        cut = volume.read(region)
        assert cut.dtype == volume.dtype
        assert cut.shape == (volume.channels, *region.shape)
        assert (cut == whole[:, *region.slices]).all()


def check_what_is_read_belongs_to_the_reader(volume):
    first = volume.read()
    first[:] = 0
    assert volume.read().any()


def check_labels_lie_exactly_over(source, path, dtype):
    """The labels of a volume that was read have its place to the last digit."""
    classes = 3 if dtype == np.uint8 else 1000
    labels = np.random.default_rng(1).integers(0, classes, source.spatial_shape, dtype)
    volume_io.write_labels(labels, path, like=source)
    written = volume_io.read(path)
    assert (written.read()[0] == labels).all()
    assert written.spatial_shape == source.spatial_shape
    assert written.voxel_size_nm == source.voxel_size_nm
    assert written.affine.tolist() == source.affine.tolist()
