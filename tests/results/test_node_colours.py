"""Colours of nodes."""

import colorsys

import numpy as np
import pytest
import tree_laws as laws
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_cie76, rgb2lab

from gyrovox.clustering.cuts import children_of, horizontal_cut
from gyrovox.hues import FAMILIES
from gyrovox.results import hexadecimal, node_colours

# The smallest difference of two classes by the number of classes: of cuts of the tree by scale, and
# of cuts by hand, over the trees below. About 2 is just noticed.
BY_SCALE = {2: 60.0, 4: 25.0, 8: 8.0, 16: 4.0}
BY_HAND = {3: 25.0, 4: 8.0, 6: 3.0, 8: 1.5}
TREES = [laws.random_tree(200, seed=seed) for seed in range(4)] + [laws.chain(40)]


# Dichromats by another model than the package's: linear sRGB to cones and back with one cone type
# missing. Viénot, Brettel & Mollon (1999), https://doi.org/10.1002/(SICI)1520-6378(199908)24:4
CONES = np.array([
    [17.8824, 43.5161, 4.11935],
    [3.45565, 27.1554, 3.86714],
    [0.0299566, 0.184309, 1.46709],
])
DEUTERANOPE = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])


def as_deuteranope(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ (np.linalg.inv(CONES) @ DEUTERANOPE @ CONES).T, 0, 1)
    return np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)


def least_difference(colours):
    """The smallest difference of two, to trichromats and to deuteranopes."""
    least = np.inf
    for seen in (colours / 255, as_deuteranope(colours / 255)):
        lab = rgb2lab(seen)
        gaps = deltaE_cie76(lab[:, np.newaxis], lab)
        least = min(least, gaps[~np.eye(len(gaps), dtype=bool)].min())
    return least


def hues(colours):
    return np.array([colorsys.rgb_to_hsv(*(colour / 255))[0] * 360 for colour in colours])


def coarsest(tree):
    """The two nodes that begin a family."""
    return horizontal_cut(tree.parents, tree.altitudes, 2).tolist()


@settings(max_examples=30)
@given(laws.trees(most_leaves=20), st.integers(1, 6))
def test_the_largest_child_keeps_the_very_colour_of_its_parent(tree, families):
    colours = node_colours(laws.trunk_of(tree), families=families)
    for first, second in children_of(tree.parents)[tree.n_leaves :].tolist():
        parent = tree.parents[first]
        larger = second if tree.sizes[second] > tree.sizes[first] else first
        np.testing.assert_array_equal(colours[larger], colours[parent])


@pytest.mark.parametrize("tree", TREES)
def test_every_node_has_the_hue_of_the_branch_that_it_lies_in(tree):
    trunk = laws.trunk_of(tree)
    colours = node_colours(trunk)
    first, second = sorted(coarsest(tree), key=lambda node: -tree.sizes[node])
    for node in range(tree.root):
        line = [node]
        while line[-1] != tree.root:
            line.append(tree.parents[line[-1]])
        hue = hues(colours[[node]])[0]
        if first in line:
            assert 165 <= hue <= 250, "blue"
        if second in line:
            assert hue <= 60 or hue >= 350, "orange"


@pytest.mark.parametrize("tree", TREES)
def test_siblings_differ_in_lightness(tree):
    lightness = rgb2lab(node_colours(laws.trunk_of(tree)) / 255)[:, 0]
    pairs = children_of(tree.parents)[tree.n_leaves :]
    assert np.abs(lightness[pairs[:, 0]] - lightness[pairs[:, 1]]).min() > 9.9


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("classes", BY_SCALE)
def test_classes_by_scale_are_told_apart_by_every_eye(tree, classes):
    cut = horizontal_cut(tree.parents, tree.altitudes, classes)
    assert least_difference(node_colours(laws.trunk_of(tree))[cut]) > BY_SCALE[classes]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("classes", BY_HAND)
def test_classes_by_hand_are_told_apart_by_every_eye(tree, classes):
    generator = np.random.default_rng(classes)
    colours, children = node_colours(laws.trunk_of(tree)), children_of(tree.parents)
    for _ in range(60):
        cut = {tree.root}
        while len(cut) < classes:
            node = generator.choice([node for node in sorted(cut) if node >= tree.n_leaves])
            cut = cut - {node} | set(children[node].tolist())
        assert least_difference(colours[sorted(cut)]) > BY_HAND[classes]


def test_every_cut_of_a_small_tree_has_as_many_colours_as_classes():
    tree = laws.random_tree(7, seed=1)
    colours = node_colours(laws.trunk_of(tree))
    for cut in laws.every_cut(tree):
        assert len({hexadecimal(colours[node]) for node in cut}) == len(cut)


def test_the_same_tree_has_the_same_colours():
    trunk = laws.trunk_of(laws.random_tree(300))
    np.testing.assert_array_equal(node_colours(trunk), node_colours(trunk))


def test_more_families_are_more_hues():
    tree = laws.random_tree(60, seed=5)
    cut = horizontal_cut(tree.parents, tree.altitudes, len(FAMILIES) - 1)  # without grey
    found = np.sort(hues(node_colours(laws.trunk_of(tree), families=len(FAMILIES))[cut]))
    around = np.diff(np.append(found, found[0] + 360))
    assert around.min() > 8


def test_a_tree_of_one_leaf_is_blue():
    (colour,) = node_colours(laws.trunk_of(laws.random_tree(1)))
    assert hexadecimal(colour) == FAMILIES[0][2]


def test_large_and_deep_trees_are_coloured_in_a_moment():
    for tree in (laws.chain(3000), laws.random_tree(3000)):
        colours = node_colours(laws.trunk_of(tree))
        pairs = children_of(tree.parents)[tree.n_leaves :]
        different = (colours[pairs[:, 0]] != colours[pairs[:, 1]]).any(axis=1)
        assert different.all()


@pytest.mark.parametrize("text", ["#000000", "#0a0b0c", "#ff7f00"])
def test_hexadecimal_is_what_web_pages_read(text):
    assert hexadecimal(np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.uint8)) == text
