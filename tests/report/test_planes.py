"""The three middle slices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gyrovox.report.planes import grey_slices, middle_planes, tinted
from gyrovox.volumes.volume import Volume

SHAPE = (4, 6, 8)


@pytest.fixture
def volume():
    voxels = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    return Volume.from_array(voxels, voxel_size_nm=(10.0, 2.0, 1.0))


def test_the_planes_are_the_middle_ones_in_physical_proportion(volume):
    planes = middle_planes(volume)
    assert [(plane.name, plane.axis, plane.index) for plane in planes] == [
        ("xy", 0, 2),
        ("xz", 1, 3),
        ("yz", 2, 4),
    ]
    assert [plane.extent for plane in planes] == [(12.0, 8.0), (40.0, 8.0), (40.0, 12.0)]


def test_a_slice_of_labels_lies_over_the_slice_of_the_image(volume):
    planes = middle_planes(volume)
    whole = volume.read()[0]
    low, high = whole.min(), whole.max()
    for plane, grey in zip(planes, grey_slices(volume, planes), strict=True):
        shown = plane.of(whole)
        assert shown.shape == grey.shape == (SHAPE[plane.rows], SHAPE[plane.columns])
        assert np.corrcoef(shown.ravel(), grey.ravel())[0, 1] > 0.99
    assert low < high


@pytest.mark.parametrize(
    ("name", "turned"), [("a.nii.gz", True), ("a.mrc", True), ("a.tif", False)]
)
def test_formats_that_count_from_below_are_shown_so(volume, name, turned):
    plane = middle_planes(replace(volume, path=Path(name)))[0]
    expected = volume.read()[0, 2]
    np.testing.assert_array_equal(
        plane.of(volume.read()[0]), expected[::-1] if turned else expected
    )


def test_a_flipped_axis_is_turned_back(volume):
    affine = volume.affine.copy()
    affine[:, 1] *= -1
    affine[1, 3] = 10.0
    flipped = replace(volume, affine=affine, path=Path("a.nii.gz"))
    np.testing.assert_array_equal(
        middle_planes(flipped)[0].of(volume.read()[0]), volume.read()[0, 2]
    )


def test_grey_values_ignore_what_is_not_finite_and_bear_a_flat_slice():
    voxels = np.ones(SHAPE, np.float32)
    voxels[2, 0, 0] = np.nan
    voxels[2, 0, 1] = np.inf
    volume = Volume.from_array(voxels)
    for grey in grey_slices(volume, middle_planes(volume)):
        assert np.isfinite(grey).all()
        assert grey.min() >= 0
        assert grey.max() <= 1


def test_the_tint_tells_classes_apart_and_keeps_structure():
    grey = np.array([[0.0, 1.0]])
    colours = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    picture = tinted(grey, np.array([[0, 0]]), colours)
    assert picture[0, 0, 0] > picture[0, 0, 2]
    assert picture[0, 1].sum() > picture[0, 0].sum()
    assert 0 <= picture.min() <= picture.max() <= 1
