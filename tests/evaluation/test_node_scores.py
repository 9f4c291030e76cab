from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from tree_laws import random_parents

from gyrovox.errors import TreeError, VolumeError, VolumeMismatchError
from gyrovox.evaluation import dendrogram_purity, oracle_dice

# Leaves 0..4; 5 = {0, 1}, 6 = {2, 3}, 7 = {5, 4}, 8 = all.
PARENTS = np.array([5, 5, 6, 6, 7, 7, 8, 8, 8], np.int32)


def row(*values):
    """A volume of a single row."""
    return np.array(values, np.int32).reshape(1, 1, -1)


def random_case(seed, leaves, classes, holes):
    """Leaves of a random tree, a truth that follows them in part, both on (2, 3, 5)."""
    rng = np.random.default_rng(seed)
    parents = random_parents(rng, leaves)
    regions = rng.integers(-1 if holes else 0, leaves, (2, 3, 5)).astype(np.int32)
    regions.flat[:leaves] = np.arange(leaves)
    truth = np.where(rng.random((2, 3, 5)) < 0.6, regions % classes, rng.integers(0, classes))
    return regions, parents, truth


cases = st.builds(
    random_case, st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4), st.booleans()
)


def nodes_of(leaf, parents):
    """The leaf and all that hold it, smallest first."""
    found = [int(leaf)]
    while parents[found[-1]] != found[-1]:
        found.append(int(parents[found[-1]]))
    return found


def masks(leaves, parents, kept):
    """Voxels of every node."""
    return [
        np
        .array([leaf >= 0 and node in nodes_of(leaf, parents) for leaf in leaves.flat])
        .reshape(leaves.shape)
        .astype(bool)
        & kept
        for node in range(len(parents))
    ]


def best_by_trying_all(leaves, parents, part, kept):
    """The definition of the oracle: every node is tried."""
    dices = [
        2 * (mask & part).sum() / (mask.sum() + part.sum()) for mask in masks(leaves, parents, kept)
    ]
    return max(dices), dices


def purity_pair_by_pair(leaves, parents, truth, kept, balanced):
    """The definition of the purity: every pair is looked at."""
    below = masks(leaves, parents, kept)
    by_class = {}
    inside = (leaves >= 0) & kept
    for value in np.unique(truth[inside]):
        for one, other in combinations(np.argwhere(inside & (truth == value)), 2):
            path = nodes_of(leaves[tuple(other)], parents)
            node = next(n for n in nodes_of(leaves[tuple(one)], parents) if n in path)
            share = (truth[below[node]] == value).mean()
            by_class.setdefault(value, []).append(share)
    if balanced:
        return np.mean([np.mean(shares) for shares in by_class.values()])
    return np.mean(np.concatenate(list(by_class.values())))


@given(cases, st.sampled_from(["class", "object"]), st.sampled_from([(), (0,)]))
def test_the_oracle_finds_what_trying_all_nodes_finds(case, per, ignore):
    leaves, parents, truth = case
    kept = ~np.isin(truth, ignore)
    if not kept.any():
        return
    rows = oracle_dice(leaves, parents, truth, per=per, ignore=ignore)
    parts = []
    for value in np.unique(truth[kept]):
        numbered, count = ndimage.label(truth == value)
        objects = [(value, numbered == number + 1) for number in range(count)]
        parts += objects if per == "object" else [(value, truth == value)]
    assert [one.truth_class for one in rows] == [value for value, _ in parts]
    everything = masks(leaves, parents, kept)
    for one, (_, part) in zip(rows, parts, strict=True):
        best, dices = best_by_trying_all(leaves, parents, part, kept)
        assert one.dice == pytest.approx(best)
        assert one.truth_voxels == part.sum()
        if one.node is None:
            assert best == 0
            assert one.node_voxels == one.shared_voxels == 0
        else:
            assert dices[one.node] == pytest.approx(best)
            assert one.node_voxels == everything[one.node].sum()
            assert one.shared_voxels == (everything[one.node] & part).sum()


@given(cases, st.booleans(), st.sampled_from([(), (0,)]))
def test_purity_is_that_of_all_pairs(case, balanced, ignore):
    leaves, parents, truth = case
    kept = ~np.isin(truth, ignore)
    counted = truth[kept & (leaves >= 0)]
    if not counted.size or np.unique(counted, return_counts=True)[1].max() < 2:
        return
    found = dendrogram_purity(leaves, parents, truth, balanced=balanced, ignore=ignore)
    expected = purity_pair_by_pair(leaves, parents, truth, kept, balanced)
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_hand_made_example():
    leaves, truth = row(0, 1, 2, 3, 4, 4), row(7, 7, 7, 9, 9, 9)
    first, second = oracle_dice(leaves, PARENTS, truth)
    assert (first.truth_class, first.node, first.dice) == (7, 5, pytest.approx(4 / 5))
    assert (second.truth_class, second.node, second.dice) == (9, 4, pytest.approx(4 / 5))
    assert (second.truth_voxels, second.node_voxels, second.shared_voxels) == (3, 2, 2)
    # 7: the pair within node 5 is pure, two meet at the root (3 of 6). 9: one in leaf 4, two at 8.
    assert dendrogram_purity(leaves, PARENTS, truth) == pytest.approx(4 / 6)
    larger = row(0, 1, 2, 3, 4, 4, 4), row(7, 7, 7, 9, 9, 9, 9)
    assert dendrogram_purity(*larger[:1], PARENTS, larger[1]) == pytest.approx(
        (1 + 2 * 3 / 7 + 3 + 3 * 4 / 7) / 9
    )
    assert dendrogram_purity(*larger[:1], PARENTS, larger[1], balanced=True) == pytest.approx(
        ((1 + 2 * 3 / 7) / 3 + (3 + 3 * 4 / 7) / 6) / 2
    )


def test_a_tree_that_holds_every_class_scores_one():
    leaves, truth = row(0, 1, 2, 3, 4, 0), row(1, 1, 0, 0, 2, 1)
    assert [one.dice for one in oracle_dice(leaves, PARENTS, truth)] == [1, 1, 1]
    assert [one.node for one in oracle_dice(leaves, PARENTS, truth)] == [6, 5, 4]
    assert dendrogram_purity(leaves, PARENTS, truth) == 1
    assert dendrogram_purity(leaves, PARENTS, truth, balanced=True) == 1


def test_objects_are_the_components_of_a_class():
    leaves, truth = row(0, 2, 1, 3, 4, 4), row(5, 0, 5, 0, 5, 5)
    assert [one.dice for one in oracle_dice(leaves, PARENTS, truth)] == [1, 1]  # nodes 6 and 7
    found = oracle_dice(leaves, PARENTS, truth, per="object")
    assert [(one.truth_class, one.node) for one in found] == [
        (0, 2),
        (0, 3),
        (5, 0),
        (5, 1),
        (5, 4),
    ]


def test_a_class_outside_the_tree_has_no_node():
    leaves, truth = row(0, 1, 2, 3, 4, -1, -1), row(0, 0, 0, 0, 1, 1, 2)
    first, second, third = oracle_dice(leaves, PARENTS, truth)
    assert (third.node, third.dice, third.truth_voxels) == (None, 0.0, 1)
    assert (second.node, second.dice) == (4, pytest.approx(2 / 3))  # what lies outside is missed
    assert first.node == 8
    assert [one.to_dict()["node_id"] for one in (second, third)] == [5, None]


def test_ids_in_dictionaries_count_from_one():
    one = oracle_dice(row(0, 1, 2, 3, 4), PARENTS, row(0, 0, 1, 1, 1))[0]
    assert one.to_dict() == {
        "truth_class": 0,
        "node_id": 6,
        "dice": 1.0,
        "truth_voxels": 2,
        "node_voxels": 2,
        "shared_voxels": 2,
    }


def test_many_classes_and_leaves_need_no_table_of_both():
    """A dense one of 30 000 × 60 000 counts would need 14 GB."""
    count = 30_000
    leaves = np.arange(count, dtype=np.int32).reshape(30, 100, 10)
    parents = np.empty(2 * count - 1, np.int32)
    parents[:-1] = count + np.arange(2 * count - 2) // 2
    parents[-1] = 2 * count - 2
    found = oracle_dice(leaves, parents, leaves // 2)
    assert {one.dice for one in found} == {1.0}
    assert dendrogram_purity(leaves, parents, leaves // 2) == 1


def test_what_cannot_be_compared_is_refused():
    leaves = row(0, 1, 2, 3, 4)
    with pytest.raises(VolumeMismatchError, match="same grid"):
        oracle_dice(leaves, PARENTS, row(0, 1))
    with pytest.raises(VolumeError, match="truth must be whole numbers, and some of its float32"):
        oracle_dice(leaves, PARENTS, np.full(leaves.shape, 0.5, np.float32))
    with pytest.raises(VolumeError, match=r"none of 5 is left once the classes \[0\] are ignored"):
        oracle_dice(leaves, PARENTS, 0 * leaves, ignore=(0,))
    with pytest.raises(VolumeError, match="two voxels of one class in the tree"):
        dendrogram_purity(leaves, PARENTS, leaves)
    with pytest.raises(TreeError, match="leaves must be from 0 to 4, or -1 outside the tree"):
        oracle_dice(leaves + 1, PARENTS, leaves)
    with pytest.raises(TreeError, match="binary tree"):
        oracle_dice(leaves, PARENTS[:4], leaves)
