import numpy as np
import pytest
import tree_laws as laws
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.clustering.cuts import (
    best_cut,
    children_of,
    depths,
    horizontal_cut,
    merge_order,
    owners,
    persistent_counts,
)


def altitudes_of(*scales):
    """Altitudes of a tree whose merges form at given scales."""
    return np.concatenate([np.zeros(len(scales) + 1), np.sort(scales)])


@given(laws.trees())
def test_the_merges_are_the_inner_nodes_children_first(tree):
    order = merge_order(tree.altitudes).tolist()
    assert sorted(order) == list(range(tree.n_leaves, tree.n_nodes))
    for place, node in enumerate(order[:-1]):
        assert (tree.altitudes[node], node) < (tree.altitudes[order[place + 1]], order[place + 1])
        assert order.index(tree.parents[node]) > place


@given(laws.trees())
def test_depths_are_steps_to_the_root(tree):
    for node, depth in enumerate(depths(tree.parents).tolist()):
        above, steps = node, 0
        while above != tree.root:
            above, steps = tree.parents[above], steps + 1
        assert depth == steps


@given(laws.trees())
def test_children_are_those_whose_parent_it_is(tree):
    for node, pair in enumerate(children_of(tree.parents).tolist()):
        found = [child for child in range(tree.root) if tree.parents[child] == node]
        assert pair == (found or [-1, -1])


@given(laws.trees(), st.data())
def test_the_owner_is_the_first_of_the_nodes_on_the_way_up(tree, data):
    chosen = data.draw(st.sets(st.integers(0, tree.root)))
    found = owners(tree.parents, np.array(sorted(chosen), np.intp))
    for node in range(tree.n_nodes):
        above = node
        while above not in chosen and above != tree.root:
            above = tree.parents[above]
        assert found[node] == above


@given(laws.trees())
def test_a_horizontal_cut_undoes_one_merge_after_another(tree):
    shown = {tree.root}
    assert set(horizontal_cut(tree.parents, tree.altitudes, 1)) == shown
    merges = sorted(range(tree.n_leaves, tree.n_nodes), key=lambda v: (tree.altitudes[v], v))
    for classes, node in enumerate(reversed(merges), start=2):
        shown = shown - {node} | {v for v in range(node) if tree.parents[v] == node}
        found = horizontal_cut(tree.parents, tree.altitudes, classes).tolist()
        assert found == sorted(shown)


@given(laws.trees(most_leaves=7), st.lists(st.integers(0, 9), min_size=13, max_size=13))
def test_the_best_cut_is_the_best_of_all(tree, costs):
    # Whole numbers tie often, and their sums are exact.
    costs = np.array(costs[: tree.n_nodes], np.float64)
    everything = laws.every_cut(tree)
    for budget in range(1, tree.n_leaves + 2):
        found = best_cut(tree.parents, costs, budget).tolist()
        affordable = [(costs[list(cut)].sum(), len(cut)) for cut in everything]
        assert frozenset(found) in everything
        assert (costs[found].sum(), len(found)) == min(
            (cost, size) for cost, size in affordable if size <= budget
        )


def test_a_long_chain_needs_no_recursion():
    tree = laws.chain(5000)
    costs = np.ones(tree.n_nodes)
    costs[-1] = 10.0
    assert len(best_cut(tree.parents, costs, 20)) == 2
    assert depths(tree.parents).max() == 4999


def test_cuts_that_last_long_are_found():
    # Undone from the root down: 100 | 90 | 9 | 8.5 | 1
    altitudes = altitudes_of(100, 90, 9, 8.5, 1)
    assert persistent_counts(altitudes, most=1, largest=64) == (3,)
    assert persistent_counts(altitudes, most=2, largest=64) == (3, 5)
    assert persistent_counts(altitudes, most=9, largest=64) == (2, 3, 4, 5)
    assert persistent_counts(altitudes, most=2, largest=4) == (2, 3)
    assert persistent_counts(altitudes * 1e-200, most=2, largest=64) == (3, 5)


def test_of_cuts_that_last_as_long_the_coarser_is_named():
    assert persistent_counts(altitudes_of(8, 4, 2, 1), most=2, largest=64) == (2, 3)


@pytest.mark.parametrize("scales", [(), (1,), (2, 2, 2), (0, 0), (0, 3)])
def test_where_no_cut_lasts_none_is_named(scales):
    assert persistent_counts(altitudes_of(*scales), most=5, largest=64) == ()
