"""Colours of the classes."""

from itertools import pairwise

import numpy as np
import pytest

from gyrovox.report.palette import class_colours


def nested():
    """Eight stripes, merged in pairs on the way up."""
    fine = np.repeat(np.arange(8), 8).reshape(4, 4, 4).astype(np.uint8)
    return {2: fine // 4, 4: fine // 2, 8: fine}


def hue_distance(first, second):
    import colorsys

    gap = abs(colorsys.rgb_to_hsv(*first)[0] - colorsys.rgb_to_hsv(*second)[0])
    return min(gap, 1 - gap)


def lightness(colours):
    """Relative luminance of sRGB."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def test_a_finer_class_has_the_hue_of_the_coarser_class_that_it_overlaps_most():
    colours = class_colours(nested())
    for k in (4, 8):
        for label in range(k):
            parent = label * 2 // k
            own = hue_distance(colours[k][label], colours[2][parent])
            other = hue_distance(colours[k][label], colours[2][1 - parent])
            assert own < other


def test_the_classes_of_a_family_differ_in_lightness():
    by_family = lightness(class_colours(nested())[8]).reshape(2, 4)
    assert np.diff(np.sort(by_family, axis=1), axis=1).min() > 0.04


@pytest.mark.parametrize("seed", range(5))
def test_a_branch_has_shades_of_its_own(seed):
    generator = np.random.default_rng(seed)
    names = generator.permutation(8)  # so that neither numbers nor places give it away
    fine = names[np.repeat(np.arange(8), 8)].reshape(4, 4, 4).astype(np.uint8)
    middle = (np.argsort(names) // 2)[fine].astype(np.uint8)
    one = np.zeros_like(fine)
    bright = generator.random(8)[fine]
    colours = class_colours({1: one, 4: middle, 8: fine}, bright)
    own, parts = lightness(colours[4]), lightness(colours[8])
    branches = [parts[np.unique(fine[middle == k])] for k in range(4)]
    order = np.argsort(own)
    for low, high in pairwise(order):
        assert branches[low].max() < branches[high].min()
    for shade, branch in zip(own, branches, strict=True):
        assert branch.min() <= shade <= branch.max()


def test_the_largest_part_of_a_class_keeps_its_colour():
    fine = np.zeros((4, 4, 4), np.uint8)
    fine[0, 0], fine[1, 1, :3], fine[2:] = 1, 2, 3
    colours = class_colours({2: fine // 3, 4: fine}, fine[::-1].astype(np.float32))
    np.testing.assert_array_equal(colours[2][0], colours[4][0])
    np.testing.assert_array_equal(colours[2][1], colours[4][3])


def test_brighter_classes_are_lighter():
    levels = nested()
    light = lightness(class_colours(levels, levels[8].astype(np.float32))[8]).reshape(2, 4)
    assert (np.diff(light, axis=1) > 0).all()


def test_the_largest_class_is_blue():
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[0, 0, 0] = 1
    red, _, blue = class_colours({2: labels})[2][0]
    assert blue > red


def test_colours_lie_in_the_cube_even_for_many_classes_and_absent_ones():
    labels = np.arange(64).reshape(4, 4, 4).astype(np.uint16)
    colours = class_colours({64: labels, 70: labels})
    assert colours[64].shape == (64, 3)
    assert colours[70].shape == (70, 3)
    assert all(((some >= 0) & (some <= 1)).all() for some in colours.values())


def test_no_level_has_no_colours():
    assert class_colours({}) == {}
