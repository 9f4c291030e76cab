"""Levels: as label files have them."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.report.pictures import level, shown_level
from gyrovox.results import node_colours


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_classes_are_those_of_the_label_files(result, classes):
    one = level(result.trunk, classes)
    assert len(one.nodes) == classes
    labels = one.of_leaf + one.first_label
    np.testing.assert_array_equal(labels, result.trunk.labels(classes)[:-1])
    assert one.label(0) == 1  # with a mask


def test_a_class_has_the_colour_of_its_node(result):
    one = level(result.trunk, 5)
    expected = node_colours(result.trunk)[list(one.nodes)] / 255
    np.testing.assert_allclose(one.colours, expected)


def test_the_shown_level_is_that_of_the_finest_file_of_few_classes(result):
    assert len(shown_level(result).nodes) == 2  # level-2 is the only file
    assert len(shown_level(result, 7).nodes) == 7


@pytest.mark.parametrize("classes", [0, 10_000])
def test_more_classes_than_leaves_are_refused(result, classes):
    with pytest.raises(SettingsError, match=rf"--level must be from 1 to \d+, .* got {classes}"):
        level(result.trunk, classes)
