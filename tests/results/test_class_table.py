"""The class of every leaf, from what was chosen."""

import numpy as np
import pytest
import tree_laws as laws
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.errors import EditError
from gyrovox.results import Group, HandEdits, class_of_leaves, first_cut, hexadecimal, node_colours
from gyrovox.results.class_table import below

#          8
#       7     6        sizes of leaves: 5, 1, 2, 3, 9
#     5   4  2 3
#    0 1
PARENTS = [5, 5, 6, 6, 7, 7, 8, 8, 8]


@pytest.fixture(scope="module")
def trunk():
    leaves = np.repeat(np.arange(5), [5, 1, 2, 3, 9]).reshape(1, 4, 5).astype(np.int32)
    return laws.trunk_of(
        type(laws.chain(2))(
            leaves=leaves,
            parents=np.array(PARENTS, np.int32),
            altitudes=np.array([0, 0, 0, 0, 0, 1, 2, 3, 4.0]),
            sizes=np.array([5, 1, 2, 3, 9, 6, 5, 15, 20]),
            codes=np.zeros((9, 2), np.float32),
            spreads=np.zeros(9, np.float32),
            contrasts=np.zeros(9, np.float32),
            curvature=-1.0,
            voxel_size_nm=None,
        )
    )


def test_a_cut_is_its_nodes_by_size(trunk):
    table = class_of_leaves(trunk, HandEdits(cut=(4, 5, 6)))
    assert table.nodes == ((4,), (5,), (6,))
    assert table.sizes == (9, 6, 5)
    assert table.of_leaf.tolist() == [1, 1, 2, 2, 0]
    assert table.names == ("node 5", "node 6", "node 7")
    assert table.colours == tuple(hexadecimal(node_colours(trunk)[n]) for n in (4, 5, 6))
    assert len(table) == 3


def test_names_and_colours_are_those_of_the_nodes_of_the_cut(trunk):
    edits = HandEdits(cut=(4, 5, 6), names={5: "cell", 8: "all", 4: ""}, colours={6: "#010203"})
    table = class_of_leaves(trunk, edits)
    assert table.names == ("node 5", "cell", "node 7")
    assert table.colours[2] == "#010203"


def test_a_group_takes_its_leaves_from_the_cut_and_from_earlier_groups(trunk):
    groups = (Group((0, 2), "odd"), Group((6,), "pair", "#aabbcc"))
    table = class_of_leaves(trunk, HandEdits(cut=(6, 7), groups=groups))
    # Node 7 has lost leaf 0, leaf 2 went from the first group to the second, the cut's 6 is gone.
    assert table.of_leaf.tolist() == [1, 0, 2, 2, 0]
    assert table.nodes == ((1, 4), (0,), (6,))
    assert table.sizes == (10, 5, 5)
    assert table.names == ("node 8", "odd", "pair")
    assert table.colours[1] == hexadecimal(node_colours(trunk)[0])
    assert table.colours[2] == "#aabbcc"


def test_a_group_without_a_name_is_called_by_its_largest_node(trunk):
    table = class_of_leaves(trunk, HandEdits(cut=(8,), groups=(Group((1, 6)),)))
    assert table.names == ("node 9", "node 7")
    assert table.nodes == ((0, 4), (1, 6))


def test_a_merge_of_siblings_is_their_parent(trunk):
    table = class_of_leaves(trunk, HandEdits(cut=(2, 3, 7), groups=(Group((2, 3), "joined"),)))
    assert table.nodes == ((7,), (6,))
    assert table.names == ("node 8", "joined")


def test_before_anybody_chose_there_are_eight_classes_or_as_many_as_leaves(trunk):
    assert first_cut(trunk) == (0, 1, 2, 3, 4)
    assert first_cut(trunk, 2) == (6, 7)
    assert len(class_of_leaves(laws.trunk_of(laws.random_tree(30)), HandEdits())) == 8


def test_edits_of_another_tree_are_refused(trunk):
    with pytest.raises(EditError, match="every leaf exactly once"):
        class_of_leaves(trunk, HandEdits(cut=(1,)))


@given(laws.trees(), st.data())
def test_classes_are_what_their_definition_says(tree, data):
    """The last group that holds a leaf, else the node of the cut above it, walked up one by one."""
    node = st.integers(0, tree.root)
    cut = data.draw(st.sampled_from(sorted(map(sorted, laws.every_cut(tree)))))
    groups = data.draw(st.lists(st.sets(node, min_size=1), max_size=3))
    edits = HandEdits(cut=tuple(cut), groups=tuple(Group(tuple(sorted(g)), "g") for g in groups))
    trunk = laws.trunk_of(tree)
    table = class_of_leaves(trunk, edits)
    expected = []
    for leaf in range(tree.n_leaves):
        line = [leaf]
        while line[-1] != tree.root:
            line.append(int(tree.parents[line[-1]]))
        held = [index for index, group in enumerate(groups) if group & set(line)]
        expected.append(("group", held[-1]) if held else ("cut", *(set(line) & set(cut))))
    kinds = dict(zip(table.of_leaf.tolist(), expected, strict=True))
    assert [kinds[k] for k in table.of_leaf.tolist()] == expected
    assert len(set(expected)) == len(table) == len(kinds)
    assert list(table.sizes) == sorted(table.sizes, reverse=True)
    for index, nodes in enumerate(table.nodes):
        leaves = [laws.leaves_below(tree, one) for one in nodes]
        assert sum(map(len, leaves)) == len(set().union(*leaves))
        assert set().union(*leaves) == set(np.flatnonzero(table.of_leaf == index).tolist())
        assert table.sizes[index] == sum(int(tree.sizes[one]) for one in nodes)
        # None of their parents is of the class too.
        for one in set(nodes) - {tree.root}:
            assert (table.of_leaf[list(laws.leaves_below(tree, tree.parents[one]))] != index).any()


@given(laws.trees(), st.integers(1, 8))
def test_a_cut_alone_has_the_labels_of_the_tree(tree, classes):
    trunk = laws.trunk_of(tree)
    classes = min(classes, tree.n_leaves)
    table = class_of_leaves(trunk, HandEdits(cut=first_cut(trunk, classes)))
    labels = trunk.labels(classes)[: tree.n_leaves]
    np.testing.assert_array_equal(table.of_leaf + trunk.masked, labels)


@given(laws.trees(), st.data())
def test_leaves_below_are_those_that_a_walk_finds(tree, data):
    nodes = data.draw(st.sets(st.integers(0, tree.root), min_size=1))
    expected = set().union(*(laws.leaves_below(tree, node) for node in nodes))
    found = below(laws.trunk_of(tree), tuple(nodes))
    assert set(np.flatnonzero(found).tolist()) == expected
