import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_laws import random_parents

from gyrovox.errors import TreeError
from gyrovox.evaluation.leaf_order import leaf_order


def ancestors(parents, node):
    found = [node]
    while parents[node] != node:
        node = int(parents[node])
        found.append(node)
    return found


trees = st.builds(
    lambda seed, leaves: random_parents(np.random.default_rng(seed), leaves),
    st.integers(0, 2**32 - 1),
    st.integers(1, 20),
)


@given(trees)
def test_every_node_is_a_stretch_of_its_leaves(parents):
    order = leaf_order(parents)
    leaves = len(order.places)
    assert sorted(order.places.tolist()) == list(range(leaves))
    for node in range(len(parents)):
        below = [leaf for leaf in range(leaves) if node in ancestors(parents, leaf)]
        assert sorted(order.places[below]) == list(range(order.starts[node], order.stops[node]))


@given(trees)
def test_common_ancestors_are_the_first_that_the_paths_share(parents):
    order = leaf_order(parents)
    leaf_at = np.argsort(order.places)
    first, second = np.triu_indices(len(leaf_at), 1)
    expected = [
        next(node for node in ancestors(parents, one) if node in ancestors(parents, other))
        for one, other in zip(leaf_at[first].tolist(), leaf_at[second].tolist(), strict=True)
    ]
    assert order.common_ancestors(first, second).tolist() == expected


def test_a_tree_as_deep_as_it_has_leaves():
    leaves = 20_000
    parents = np.empty(2 * leaves - 1, np.int32)
    parents[:2] = leaves
    parents[2:leaves] = np.arange(leaves + 1, 2 * leaves - 1)
    parents[leaves:-1] = np.arange(leaves + 1, 2 * leaves - 1)
    parents[-1] = 2 * leaves - 2
    order = leaf_order(parents)
    deepest, last = order.places[[0, leaves - 1]]
    low, high = min(deepest, last), max(deepest, last)
    assert order.common_ancestors(np.array([low]), np.array([high])) == 2 * leaves - 2


@pytest.mark.parametrize(
    "parents",
    [
        [],
        [1, 1],
        [2, 2, 1],
        [3, 3, 3, 3, 4],
        [3, 3, 4, 4, 3],
        [4, 4, 4, 3, 4],
        [2, 2, 5],
        [1, 2, 2],
        [2, 2, 3],
        [-1, 2, 2],
        [[2, 2, 2]],
    ],
    ids=str,
)
def test_what_is_no_tree_is_refused(parents):
    with pytest.raises(TreeError, match="binary tree, leaves first, children before parents"):
        leaf_order(np.array(parents, np.int32))
