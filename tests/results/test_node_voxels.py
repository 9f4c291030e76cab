"""Voxels of nodes, looked up in the leaves."""

import numpy as np
import pytest
import tree_laws as laws
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.errors import FileFormatError, TreeError
from gyrovox.results.node_voxels import LeafTable, checked_nodes, node_voxels
from gyrovox.volumes import ArraySource, InMemory, Region


def test_the_voxels_of_nodes_are_those_of_the_tree(result, tree):
    for nodes in ([14], [0, 20], (22,)):
        voxels = node_voxels(result, nodes)
        expected = np.any([tree.mask(node) for node in nodes], axis=0)
        whole = voxels.read(Region.whole(result.shape))
        assert whole.dtype == voxels.dtype == np.uint8
        assert whole.shape == voxels.shape
        np.testing.assert_array_equal(whole[0], expected)
        box = Region((1, 1, 0), (2, 4, 3))
        np.testing.assert_array_equal(voxels.read(box)[0], expected[box.slices])


def test_a_table_is_a_source(result):
    assert isinstance(node_voxels(result, [0]), ArraySource)


@given(st.sets(st.integers(0, 8), min_size=1))
def test_nodes_are_sorted_and_each_there_once(nodes):
    trunk = laws.trunk_of(laws.chain(5))
    assert checked_nodes(trunk, [*nodes, *sorted(nodes, reverse=True)]) == tuple(sorted(nodes))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "at least one node must be named, and none came"),
        ([23], "one of 0 to 22, and 23 came"),
        ([3, -1], "one of 0 to 22, and -1 came"),
    ],
)
def test_nodes_that_are_not_there_are_refused(result, nodes, message):
    with pytest.raises(TreeError, match=message):
        node_voxels(result, nodes)


def test_leaves_that_the_tree_does_not_have_are_refused():
    table = LeafTable(InMemory(np.full((1, 2, 2, 2), 3, np.uint8)), np.zeros(3, np.uint8))
    with pytest.raises(FileFormatError, match=r"labels from 0 to 2.* and labels from 3 to 3 came"):
        table.read(Region.whole((2, 2, 2)))
