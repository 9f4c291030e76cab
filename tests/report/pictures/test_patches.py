"""Patches nearest to and farthest from the centres of classes."""

import shutil

import numpy as np
import pytest

from gyrovox.errors import PictureError
from gyrovox.report.pictures import patches
from gyrovox.report.pictures.patches import nearest_and_farthest
from gyrovox.results import ResultFolder


def test_the_first_are_the_nearest_and_the_farthest_of_all(result, one, codes):
    for index, node in enumerate(one.nodes):
        near, far = nearest_and_farthest(one, index, codes, result, apart=4)
        members = np.flatnonzero(one.of_leaf[codes.leaves] == index)
        distances = codes.distances(members, result.trunk.codes[node])
        np.testing.assert_array_equal(near[0], codes.places[members[distances.argmin()]])
        # Of equally far ones any may be first.
        place = np.flatnonzero((codes.places[members] == far[0]).all(axis=1))
        assert distances[place] == pytest.approx(distances.max())


def test_no_two_of_a_kind_are_near_each_other(result, one, codes):
    for index in range(len(one.nodes)):
        for places in nearest_and_farthest(one, index, codes, result, apart=5):
            assert 1 <= len(places) <= 6
            gaps = np.abs(np.array(places)[:, None] - np.array(places)).max(axis=-1)
            assert (gaps + 99 * np.eye(len(places)) >= 5).all()


def test_a_page_has_a_row_for_each_class_and_frames(result, one, codes, said, drawn):
    figure = patches(result, one, codes, patch_side=5)
    for index in range(4):
        assert f"class {one.label(index)}\n" in said(figure) + "\n"
    assert "framed: what a code is made from, 5³" in said(figure)
    (canvas,) = [axes for axes in figure.axes if len(axes.images) > 1]
    assert len(canvas.patches) == len(canvas.images)
    for frame, image in zip(canvas.patches, canvas.images, strict=True):
        left, right, bottom, top = image.get_extent()
        assert frame.get_width() == pytest.approx((right - left) * 5 / 21)
        assert frame.get_x() == pytest.approx(left + (right - left) * 8 / 21)
        assert frame.get_y() == pytest.approx(top + (bottom - top) * 8 / 21)
    drawn(figure)


def test_a_patch_shows_the_image_about_its_voxel(result, one, codes):
    figure = patches(result, one, codes)
    near, _ = nearest_and_farthest(one, 0, codes, result, apart=10)
    (canvas,) = [axes for axes in figure.axes if len(axes.images) > 1]
    shown = np.ma.filled(canvas.images[0].get_array(), np.nan)
    image = result.image().read()[0].astype(float)
    low, high = np.percentile(codes.intensities, (0.5, 99.5))
    assert shown.shape == (21, 21)
    expected = np.clip((image[tuple(near[0])] - low) / (high - low), 0, 1)
    assert shown[10, 10] == pytest.approx(expected, abs=1e-5)
    # 16 x 20 voxels do not fill it: beyond the faces is nothing.
    assert np.isnan(shown).any()


def test_without_the_image_there_are_none(folder, one, codes, tmp_path):
    shutil.copytree(folder, tmp_path / "cell")
    (tmp_path / "cell" / "scan.mrc").unlink()
    with pytest.raises(PictureError, match=r"image of this result is gone\. Put it back"):
        patches(ResultFolder.open(tmp_path / "cell"), one, codes)
