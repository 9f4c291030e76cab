from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tree_laws as laws
from block_result import write_result

from gyrovox import io
from gyrovox.errors import EditConflictError, EditError, TreeError
from gyrovox.napari_plugin.shown_tree import ShownTree
from gyrovox.results import Group, ResultFolder, node_colours, read_edits, write_edits


@pytest.fixture
def tree():
    return laws.random_tree(30, masked=True)


@pytest.fixture
def shown(tree):
    return ShownTree.of_tree(tree, 6)


def labels_of(shown, tree):
    """The volume of the classes that are shown: 0 outside."""
    return np.append(shown.classes.of_leaf + 1, 0)[tree.leaves]


def row_of(shown, node):
    return shown.classes.nodes.index((node,))


@pytest.mark.parametrize("classes", [1, 2, 9, 30, 1000])
def test_a_level_shows_the_cut_of_the_tree(tree, shown, classes):
    expected = tree.cut(min(classes, 30))
    level = shown.at_level(classes)
    assert level.cut == tuple(sorted(expected.nodes))
    assert (labels_of(level, tree) == expected.labels).all()
    assert level.lit == ()


def test_of_a_result_the_finest_level_is_shown_first(result):
    shown = ShownTree.of_result(ResultFolder.open(result))
    assert shown.cut == tuple(sorted(io.read_tree(result / "tree.json").cut(5).nodes))
    assert {2, 5} <= set(shown.marks)


def test_of_a_result_a_cut_made_by_hand_comes_first(result):
    folder = ResultFolder.open(result)
    root = len(folder.trunk.parents) - 1
    write_edits(folder, replace(read_edits(folder), cut=(root,)), 0)
    assert ShownTree.of_result(folder).cut == (root,)


def test_without_levels_a_few_classes_are_shown(tmp_path):
    folder = write_result(tmp_path / "cell")
    (folder / "level-2.mrc").unlink()
    assert len(ShownTree.of_result(ResultFolder.open(folder)).cut) == 8


def test_every_label_has_the_colour_of_its_class(tree, shown):
    table = shown.colour_table
    assert table.shape == (31, 4)
    assert table[0].tolist() == [0, 0, 0, 0]
    palette = node_colours(shown.trunk)
    for node in shown.cut:
        for leaf in laws.leaves_below(tree, node):
            assert np.allclose(table[leaf + 1, :3] * 255, palette[node])
            assert table[leaf + 1, 3] == 1


def test_what_is_lit_stands_out(tree, shown):
    lit = shown.cut[2]
    table = shown.with_lit([lit]).colour_table
    inside = np.array([leaf in laws.leaves_below(tree, lit) for leaf in range(30)])
    assert (table[1:, 3][inside] == 1).all()
    assert (table[1:, 3][~inside] < 0.3).all()
    assert (table[:, :3] == shown.colour_table[:, :3]).all()


def test_several_nodes_can_be_lit_and_one_above_the_cut(tree, shown):
    assert (shown.with_lit([tree.root]).colour_table[1:, 3] == 1).all()
    table = shown.with_lit([0, 3]).colour_table
    assert np.flatnonzero(table[:, 3] == 1).tolist() == [1, 4]


def test_a_class_is_split_into_the_children_of_its_node(tree, shown):
    row = next(row for row, (node, *_) in enumerate(shown.classes.nodes) if node >= 30)
    node = shown.classes.nodes[row][0]
    found = shown.expanded(row)
    assert found.cut == tuple(sorted(tree.cut_through(shown.cut).expand(node).nodes))
    assert found.lit == tree.children(node)


def test_a_class_is_joined_with_all_that_its_parent_holds(tree, shown):
    node = shown.cut[0]
    found = shown.joined(row_of(shown, node))
    parent = int(tree.parents[node])
    assert found.cut == tuple(sorted(tree.cut_through(shown.cut).collapse(parent).nodes))
    assert found.lit == (parent,)


def test_what_cannot_be_split_or_joined_says_why(shown):
    leaves = shown.at_level(30)
    with pytest.raises(TreeError, match="must have parts to be split, and 'node 1' is a leaf"):
        leaves.expanded(row_of(leaves, 0))
    with pytest.raises(TreeError, match="must have a sibling to be joined with"):
        shown.at_level(1).joined(0)
    group = Group(nodes=(0, 5), name="mine")
    grouped = replace(leaves, edits=replace(leaves.edits, groups=(group,)))
    row = grouped.classes.names.index("mine")
    with pytest.raises(TreeError, match="a node of the tree to be split, and 'mine' was made by h"):
        grouped.expanded(row)


def test_classes_made_by_hand_are_shown_and_keep_their_names(tree, shown):
    groups = (Group((0, 5), "first", "#112233"), Group((5, 7), "second"))
    grouped = replace(shown, edits=replace(shown.edits, groups=groups))
    names = grouped.classes.names
    assert np.allclose(grouped.colour_table[1, :3] * 255, [0x11, 0x22, 0x33])
    assert grouped.classes.of_leaf[5] == names.index("second")
    again = grouped.renamed(names.index("first"), "other")
    assert [group.name for group in again.edits.groups] == ["other", "second"]


def test_a_name_is_saved_beside_the_tree_and_the_look_is_not(result):
    folder = ResultFolder.open(result)
    shown = ShownTree.of_result(folder).at_level(3)
    node = shown.classes.nodes[1][0]
    named = shown.renamed(1, "  nucleus ")
    assert named.classes.names[1] == "nucleus"
    assert named.name(node) == "nucleus"
    kept = read_edits(folder)
    assert (kept.names, kept.cut, kept.revision) == ({node: "nucleus"}, None, 1)
    assert named.renamed(1, "").classes.names[1] == f"node {node + 1}"
    assert read_edits(folder).names == {}


def test_names_of_others_are_not_overwritten(result):
    folder = ResultFolder.open(result)
    shown = ShownTree.of_result(folder)
    write_edits(folder, replace(read_edits(folder), names={3: "theirs"}), 0)
    with pytest.raises(EditConflictError, match="made from the latest"):
        shown.renamed(0, "mine")
    assert read_edits(folder).names == {3: "theirs"}
    again = shown.reread()
    assert again.cut == shown.cut
    assert again.renamed(0, "mine").edits.names[3] == "theirs"


def test_names_that_cannot_be_kept_are_refused(shown):
    with pytest.raises(EditError, match="at most 200 characters"):
        shown.renamed(0, "x" * 201)


def test_a_tree_in_memory_keeps_its_names_there(shown):
    assert shown.renamed(0, "cytosol").reread().classes.names[0] == "cytosol"


def test_a_path_leads_from_the_root(tree, shown):
    path = shown.path(4)
    assert (path[0], path[-1]) == (tree.root, 4)
    assert all(tree.parents[below] == above for above, below in pairwise(path))
    assert shown.path(tree.root) == (tree.root,)


@pytest.mark.parametrize("n_leaves", [2, 6, 8, 9, 10, 40])
def test_paths_of_all_leaves_are_those_of_each(n_leaves):
    shown = ShownTree.of_tree(laws.chain(n_leaves), 2)
    named = replace(shown, edits=replace(shown.edits, names={0: "first"}))
    assert named.leaf_paths == [named.path_text(leaf) for leaf in range(n_leaves)]


def test_a_tree_of_a_single_leaf_is_shown_as_one_class():
    shown = ShownTree.of_tree(laws.random_tree(1), 8)
    assert shown.cut == (0,)
    assert shown.colour_table.shape == (2, 4)
    assert shown.leaf_paths == ["1"]


def test_long_paths_are_cut_in_the_middle():
    shown = ShownTree.of_tree(laws.chain(40), 2)
    assert shown.path_text(0) == "79 › 78 › 77 › 76 › … › 43 › 42 › 41 › 1"
    assert shown.path_text(78 - 6).split(" › ") == ["79", "78", "77", "76", "75", "74", "73"]


def test_the_disk_has_the_colours_that_were_chosen(shown):
    coloured = replace(shown, edits=replace(shown.edits, colours={shown.cut[1]: "#010203"}))
    assert coloured.node_colours[shown.cut[1]].tolist() == [1, 2, 3]
    others = [node for node in range(59) if node != shown.cut[1]]
    assert (coloured.node_colours[others] == shown.colours[others]).all()
