import math
from itertools import pairwise

import numpy as np
import pytest
import tree_laws as laws

from gyrovox.napari_plugin import disk_figure
from gyrovox.napari_plugin.disk_figure import DiskFigure
from gyrovox.napari_plugin.shown_tree import ShownTree


def figure_of(tree, classes):
    shown = ShownTree.of_tree(tree, classes)
    return DiskFigure(shown.trunk, shown.positions, shown.cut)


def distance(x, y):
    """In the Poincaré disk of curvature −1."""
    gap, xx, yy = (float(np.square(v).sum()) for v in (x - y, x, y))
    return math.acosh(1 + 2 * gap / ((1 - xx) * (1 - yy)))


@pytest.mark.parametrize("classes", [1, 2, 7, 30])
def test_nodes_down_to_the_cut_are_drawn_and_none_below(classes):
    tree = laws.random_tree(30)
    cut = set(tree.cut(classes).nodes)
    expected = set(cut)
    for node in cut:
        above = node
        while above != tree.root:
            above = int(tree.parents[above])
            expected.add(above)
    found = figure_of(tree, classes).nodes.tolist()
    assert set(found) == expected
    assert len(found) == 2 * classes - 1
    assert sorted(found, key=lambda node: -tree.sizes[node]) == found


def test_of_too_many_nodes_the_largest_are_drawn(monkeypatch):
    monkeypatch.setattr(disk_figure, "_MOST_NODES", 9)
    tree = laws.random_tree(30)
    found = figure_of(tree, 30).nodes
    assert len(found) == 9
    others = np.setdiff1d(np.arange(59), found)
    assert tree.sizes[found].min() >= tree.sizes[others].max()


def test_edges_lead_from_every_node_to_its_parent_along_the_shortest_way():
    figure = figure_of(laws.random_tree(30), 12)
    assert sorted(figure.edges) == sorted(set(figure.nodes.tolist()) - {figure.nodes[0]})
    for node, line in figure.edges.items():
        ends = figure.positions[[node, figure.trunk.parents[node]]]
        assert np.allclose(line[[0, -1]], ends, atol=1e-7)
        along = sum(distance(*pair) for pair in pairwise(line))
        assert along == pytest.approx(distance(*ends), rel=2e-3, abs=1e-6)


def test_edges_are_straight_where_the_space_is_flat():
    figure = figure_of(laws.random_tree(30, curvature=0.0), 5)
    assert not figure.is_disk
    assert {len(line) for line in figure.edges.values()} == {2}


def test_the_nearest_node_is_found_only_nearby():
    figure = figure_of(laws.random_tree(30), 6)
    node = figure.cut[0]
    x, y = figure.positions[node].tolist()
    assert figure.nearest(x + 1e-6, y, within=0.01) == node
    assert figure.nearest(1.0, 1.0, within=0.1) is None


def test_of_nodes_in_one_place_the_smallest_is_meant():
    tree = laws.chain(5)  # whose codes are all the same
    figure = figure_of(tree, 5)
    found = figure.nearest(0.0, 0.0, within=0.1)
    assert tree.sizes[found] == tree.sizes.min()
