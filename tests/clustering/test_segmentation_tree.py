import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
import tree_laws as laws
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.clustering import Cut
from gyrovox.errors import ClusterCountError, SettingsError, TreeError
from gyrovox.geometry import codes, euclidean


#          8
#       7     \
#     5   6    \
#    0 1 2 3    4
@pytest.fixture
def tree():
    merges, steps = [(0, 0), (0, 0), (1, 1), (0, 0)], [1.0, 2.0, 2.0, 28.0]
    return laws.tree_of(merges, steps, masked=True)


@pytest.fixture
def even_tree(tree):
    """The same with leaves of 12 voxels each, and no mask."""
    leaves = np.arange(5, dtype=np.int32).repeat(12).reshape(3, 4, 5)
    sizes = np.array([12, 12, 12, 12, 12, 24, 24, 48, 60])
    return replace(tree, leaves=leaves, sizes=sizes)


def test_the_tree_of_these_tests_is_the_one_in_the_picture(tree):
    assert tree.parents.tolist() == [5, 5, 6, 6, 8, 7, 7, 8, 8]
    assert tree.altitudes.tolist() == [0, 0, 0, 0, 0, 1, 2, 4, 32]
    assert (tree.n_leaves, tree.n_nodes, tree.root) == (5, 9, 8)
    assert tree.is_masked


@given(laws.trees())
def test_cuts_have_the_classes_that_were_asked_for(tree):
    for classes in range(1, tree.n_leaves + 1):
        cut = tree.cut(classes)
        assert len(cut.nodes) == classes
        laws.check_one_class_per_voxel(tree, cut)


@given(laws.trees())
def test_every_pair_of_cuts_is_nested(tree):
    cuts = [tree.cut(classes) for classes in range(1, tree.n_leaves + 1)]
    for coarse, fine in itertools.combinations(cuts, 2):
        assert fine.is_refinement_of(coarse)
        assert not coarse.is_refinement_of(fine)
        # Of the voxels themselves: each fine label goes with one coarse label.
        pairs = np.unique(np.stack([fine.labels.ravel(), coarse.labels.ravel()]), axis=1)
        assert len(pairs[0]) == len(set(pairs[0].tolist()))


@given(laws.trees())
def test_a_cut_refines_itself_and_what_refines_both_ways_is_equal(tree):
    cuts = [tree.cut_through(nodes) for nodes in laws.every_cut(tree)[:40]]
    for one, other in itertools.product(cuts, cuts):
        by_voxels = all(
            any(
                laws.leaves_below(tree, node) <= laws.leaves_below(tree, above)
                for above in other.nodes
            )
            for node in one.nodes
        )
        assert one.is_refinement_of(other) == by_voxels


@given(laws.trees())
def test_a_cut_at_a_scale_shows_what_has_formed_there(tree):
    for scale in {0.0, 0.25, *tree.altitudes.tolist(), *(tree.altitudes + 0.25).tolist()}:
        nodes = set(tree.cut_at(scale).nodes)
        for node in range(tree.n_nodes):
            parent_formed = node != tree.root and tree.altitudes[tree.parents[node]] <= scale
            assert (node in nodes) == (tree.altitudes[node] <= scale and not parent_formed)


@given(laws.trees(most_leaves=7), st.integers(1, 9))
def test_an_optimal_cut_is_the_best_of_all(tree, budget):
    costs = tree.sizes * tree.spreads.astype(np.float64) ** 2
    cut = tree.optimal_cut(budget)
    best = min(costs[list(n)].sum() for n in laws.every_cut(tree) if len(n) <= budget)
    assert len(cut.nodes) <= budget
    assert costs[list(cut.nodes)].sum() == pytest.approx(best, rel=1e-12)
    laws.check_one_class_per_voxel(tree, cut)


def test_an_optimal_cut_goes_deep_where_it_pays(tree):
    # All the spread is in the branch of 0 and 1, which horizontal cuts open last.
    spreads = np.array([0, 0, 1, 1, 1, 9, 1, 5, 9], np.float32)
    cut = replace(tree, spreads=spreads).optimal_cut(4)
    assert set(cut.nodes) == {0, 1, 6, 4}
    assert set(tree.cut(4).nodes) == {2, 3, 5, 4}


def test_an_optimal_cut_counts_squares(even_tree):
    # Opening node 5 saves 24 (2² − 1.5²) = 42 squares, opening node 6 saves 24; of the spreads
    # themselves 12 and 24.
    spreads = np.array([1.5, 1.5, 0, 0, 0, 2, 1, 5, 9], np.float32)
    assert set(replace(even_tree, spreads=spreads).optimal_cut(4).nodes) == {0, 1, 6, 4}


@given(laws.trees(), st.data())
def test_collapsing_undoes_expanding(tree, data):
    cut = tree.cut_through(data.draw(st.sampled_from(laws.every_cut(tree))))
    for node in cut.nodes:
        if (children := tree.children(node)) is not None:
            finer = cut.expand(node)
            assert set(finer.nodes) == set(cut.nodes) - {node} | set(children)
            assert finer.is_refinement_of(cut)
            assert finer.collapse(node) == cut


@given(laws.trees(), st.data())
def test_expanding_undoes_collapsing_of_two_and_collapsing_takes_the_whole_branch(tree, data):
    cut = tree.cut_through(data.draw(st.sampled_from(laws.every_cut(tree))))
    for node in range(tree.n_leaves, tree.n_nodes):
        below = {
            one for one in cut.nodes if laws.leaves_below(tree, one) < laws.leaves_below(tree, node)
        }
        if below:
            coarser = cut.collapse(node)
            assert set(coarser.nodes) == set(cut.nodes) - below | {node}
            assert cut.is_refinement_of(coarser)
            laws.check_one_class_per_voxel(tree, coarser)
            if below == set(tree.children(node)):
                assert coarser.expand(node) == cut


@given(laws.trees())
def test_the_mask_of_a_node_is_where_its_leaves_are(tree):
    for node in range(tree.n_nodes):
        expected = np.isin(tree.leaves, list(laws.leaves_below(tree, node)))
        assert (tree.mask(node) == expected).all()
        assert tree.mask(node).sum() == tree.sizes[node]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("leaves", "dtype"), [(2, np.uint8), (256, None), (257, np.uint16), (300, np.uint16)]
)
def test_labels_have_the_smallest_type_that_holds_them(leaves, dtype, masked):
    labels = laws.random_tree(leaves, masked=masked).cut(leaves).labels
    # 256 classes fit one byte only where no value is taken by the outside.
    assert labels.dtype == (dtype or (np.uint16 if masked else np.uint8))
    assert len(np.unique(labels)) == leaves + masked


def test_classes_of_one_size_are_ordered_by_node():
    tree = laws.random_tree(4)
    leaves = np.arange(4, dtype=np.int32).repeat(6).reshape(2, 3, 4)
    sizes = np.array([6 * len(laws.leaves_below(tree, node)) for node in range(7)])
    assert replace(tree, leaves=leaves, sizes=sizes).cut(4).nodes == (0, 1, 2, 3)


def test_the_table_says_what_every_node_is(tree):
    table = tree.table()
    assert all(column.shape == (9,) for column in table.values())
    assert table["node"].tolist() == list(range(9))
    assert table["parent"].tolist() == [5, 5, 6, 6, 8, 7, 7, 8, -1]
    assert table["depth"].tolist() == [3, 3, 3, 3, 1, 2, 2, 1, 0]
    assert table["volume_nm3"] == pytest.approx(tree.sizes * 4 * 1.5 * 1.25)
    for name, kept in [
        ("size", tree.sizes),
        ("altitude", tree.altitudes),
        ("spread", tree.spreads),
        ("contrast", tree.contrasts),
    ]:
        np.testing.assert_array_equal(table[name], kept)
    # Leaves last from the first merge on; the root is ended by nothing.
    assert np.exp(table["stability"]) == pytest.approx([
        1,
        1,
        2,
        2,
        32,
        4,
        2,
        8,
        1,
    ])


def test_the_table_does_not_change_the_tree(tree):
    tree.table()["parent"][:] = 0
    assert tree.parents[-1] == tree.root


def test_a_volume_in_nm3_is_not_made_up(tree):
    assert np.isnan(replace(tree, voxel_size_nm=None).table()["volume_nm3"]).all()


@given(laws.trees())
def test_stabilities_are_finite_and_add_up_along_every_path(tree):
    stabilities = tree.stabilities
    assert np.isfinite(stabilities).all()
    assert (stabilities >= 0).all()
    positive = tree.altitudes[tree.altitudes > 0]
    total = np.log(positive.max() / positive.min()) if positive.size else 0.0
    for leaf in range(tree.n_leaves):
        node, sum_up = leaf, 0.0
        while node != tree.root:
            sum_up += stabilities[node]
            node = tree.parents[node]
        assert sum_up == pytest.approx(total)


@pytest.mark.parametrize("curvature", [-0.5, -1.0, 0.0])
def test_radii_are_distances_to_the_origin_as_geometry_says(curvature):
    tree = laws.random_tree(6, curvature=curvature)
    points = torch.from_numpy(tree.codes).double()
    zero = torch.zeros_like(points)
    expected = (
        euclidean.distance(points, zero)
        if curvature == 0
        else codes.distance(points, zero, curvature=curvature)
    )
    np.testing.assert_allclose(tree.radii, expected.numpy(), rtol=1e-12)


def test_levels_are_suggested_where_cuts_last(tree):
    # Merges at 32 | 4 | 2 | 1: two classes last over a factor of 8, three and four over 2.
    assert tree.suggested_levels(1) == (2,)
    assert tree.suggested_levels(2) == (2, 3)
    assert tree.suggested_levels() == (2, 3, 4)
    assert tree.suggested_levels(largest=2) == (2,)


@pytest.mark.parametrize(
    ("steps", "levels"), [([], (1,)), ([1.0], (2,)), ([0.0, 0.0], (1,)), ([0.0, 2.0], (2,))]
)
def test_there_is_always_a_level_to_suggest(steps, levels):
    tree = laws.tree_of([(0, 0)] * len(steps), steps, masked=False)
    assert tree.suggested_levels() == levels
    assert len(tree.cut_at(0.0).nodes) == levels[0]


def test_a_tree_of_one_leaf_has_one_cut():
    tree = laws.tree_of([], [], masked=True)
    assert tree.cut(1) == tree.cut_at(0.0) == tree.optimal_cut(3) == tree.cut_through([0])
    assert (tree.cut(1).labels == tree.mask(0)).all()
    assert tree.stabilities.tolist() == [0.0]


def test_labels_are_made_once(tree):
    cut = tree.cut(3)
    assert cut.labels is cut.labels


def test_cuts_are_values(tree):
    assert tree.cut(3) == tree.cut_through(reversed(tree.cut(3).nodes))
    assert len({tree.cut(3), tree.cut(3), tree.cut(2)}) == 2
    assert tree.cut(2) != replace(tree).cut(2)


def test_a_tree_prints_on_one_line(tree):
    assert repr(tree.cut(2)).startswith("Cut(nodes=(")
    assert "\n" not in repr(tree)


@pytest.mark.parametrize("node", [-1, 9])
@pytest.mark.parametrize("operation", ["children", "mask", "cut_through", "collapse"])
def test_a_node_that_is_not_there_is_refused(tree, operation, node):
    calls = {
        "children": lambda: tree.children(node),
        "mask": lambda: tree.mask(node),
        "cut_through": lambda: tree.cut_through([node, 8]),
        "collapse": lambda: tree.cut(2).collapse(node),
    }
    with pytest.raises(TreeError, match=rf"0 to 8, of which 0 to 4 are leaves, and {node} came"):
        calls[operation]()


@pytest.mark.parametrize("nodes", [(), (7,), (7, 8), (5, 6, 4, 0), (0, 4, 6), (8, 0)])
def test_nodes_that_miss_or_repeat_a_leaf_are_no_cut(tree, nodes):
    with pytest.raises(TreeError, match="must hold every leaf exactly once"):
        tree.cut_through(nodes)


def test_a_node_that_stands_twice_is_no_cut(tree):
    with pytest.raises(TreeError, match="must hold every leaf exactly once"):
        Cut(tree=tree, nodes=(8, 8))


def test_a_leaf_that_is_held_twice_does_not_make_up_for_one_that_is_missed(even_tree):
    with pytest.raises(TreeError, match="must hold every leaf exactly once"):
        even_tree.cut_through([7, 0])


@pytest.mark.parametrize(
    ("operation", "error", "message"),
    [
        (lambda tree: tree.cut(0), SettingsError, "at least 1 class, and 0"),
        (lambda tree: tree.cut(6), ClusterCountError, "6 were asked for of 5 leaves"),
        (lambda tree: tree.optimal_cut(0), SettingsError, "a cut must have at least 1 class"),
        (lambda tree: tree.cut_at(-1.0), SettingsError, "0 or more, and it is -1.0.* at 32"),
        (lambda tree: tree.cut_at(np.nan), SettingsError, "0 or more, and it is nan"),
        (lambda tree: tree.suggested_levels(0), SettingsError, "most=0, largest=64 came"),
        (lambda tree: tree.suggested_levels(largest=1), SettingsError, "most=5, largest=1 came"),
        (lambda tree: tree.cut(2).expand(4), TreeError, "node 4 is a leaf"),
        (lambda tree: tree.cut(2).expand(8), TreeError, "one of the 2 nodes .* node 8 is not"),
        (lambda tree: tree.cut(2).collapse(5), TreeError, "node 5 has none"),
        (lambda tree: tree.cut(2).collapse(7), TreeError, "node 7 has none"),
        (
            lambda tree: tree.cut(2).is_refinement_of(replace(tree).cut(2)),
            TreeError,
            "of one tree to be compared",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(tree, operation, error, message):
    with pytest.raises(error, match=message):
        operation(tree)
