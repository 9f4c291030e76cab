"""Slices with outlines."""

import shutil

import numpy as np
import pytest

from gyrovox import io
from gyrovox.errors import SettingsError
from gyrovox.report.pictures import level, slices
from gyrovox.report.pictures.slices import outlined
from gyrovox.results import ResultFolder

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def test_each_class_is_outlined_on_its_own_side():
    labels = np.zeros((10, 10), int)
    labels[:, 5:] = 1
    picture = outlined(np.full((10, 10), 0.5), labels, np.array([RED, BLUE]))
    side = picture.shape[1]
    middle = picture[side // 2]
    np.testing.assert_allclose(middle[side // 2 - 1], RED)
    np.testing.assert_allclose(middle[side // 2], BLUE)
    assert np.count_nonzero((middle == RED).all(axis=-1)) == round(side / 200)


def test_within_a_class_the_image_is_seen_with_a_tint():
    grey = np.array([[0.2, 0.8]] * 2)
    picture = outlined(grey, np.zeros((2, 2), int), np.array([RED]))
    left, right = picture[0, 0], picture[0, -1]
    np.testing.assert_allclose(right - left, 0.84 * 0.6)
    assert left[0] > left[1]


def test_outside_a_mask_the_image_is_darkened():
    labels = np.array([[-1, 0]] * 2)
    picture = outlined(np.full((2, 2), 0.8), labels, np.array([BLUE]))
    np.testing.assert_allclose(picture[0, 0], 0.55 * 0.8)
    np.testing.assert_allclose(picture[0, picture.shape[1] // 2], BLUE)


def test_a_large_slice_is_thinned():
    picture = outlined(np.zeros((3000, 10)), np.zeros((3000, 10), int), np.array([RED]))
    assert picture.shape[0] <= 1400


def test_the_colours_of_every_class_are_on_the_page(result, drawn, said):
    figure = slices(result, levels=(2, 4))
    picture = (drawn(figure, dpi=100) * 255).round().astype(int).reshape(-1, 3)
    for colour in level(result.trunk, 2).colours:
        assert (np.abs(picture - (colour * 255).round()).max(axis=1) <= 1).any()
    assert "classes" in said(figure)
    assert result.name in said(figure)
    assert len(figure.axes) == 9


def test_a_level_file_counts_before_the_tree(result, folder, tmp_path, drawn):
    plain = drawn(slices(result, levels=(2,)))
    shutil.copytree(folder, tmp_path / "cell")
    flat = np.ones(result.shape, np.uint8)
    io.write_labels(flat, tmp_path / "cell" / "level-2.mrc", like=result.image(), overwrite=True)
    changed = drawn(slices(ResultFolder.open(tmp_path / "cell"), levels=(2,)))
    assert plain.shape == changed.shape
    assert np.abs(plain - changed).max() > 0.3


def test_without_the_image_labels_are_shown_alone(folder, tmp_path, drawn):
    shutil.copytree(folder, tmp_path / "cell")
    (tmp_path / "cell" / "scan.mrc").unlink()
    drawn(slices(ResultFolder.open(tmp_path / "cell")))


def test_more_classes_than_leaves_are_refused(result):
    with pytest.raises(SettingsError, match="--level must be from 1"):
        slices(result, levels=(2, 5000))
