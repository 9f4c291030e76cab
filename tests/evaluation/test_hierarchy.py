import json

import numpy as np
import pytest

from gyrovox.errors import VolumeError, VolumeMismatchError
from gyrovox.evaluation import (
    class_count,
    dendrogram_purity,
    evaluate,
    evaluate_hierarchy,
    oracle_dice,
    parent_child_consistency,
)
from gyrovox.volumes.phantom_cell import cell_phantom

# Leaves 0..3; 4 = {0, 1}, 5 = {2, 3}, 6 = all.
PARENTS = np.array([4, 4, 5, 5, 6, 6, 6], np.int32)
LEAVES = np.repeat(np.arange(4, dtype=np.int32), 10).reshape(4, 2, 5)


def consistency_voxel_by_voxel(levels, truths, ignore):
    """The definition, one voxel after the other."""
    shares = []
    for step in range(len(levels) - 1):
        named = [
            {row.label: row.truth_class for row in evaluate(labels, truth, ignore=ignore).classes}
            for labels, truth in zip(levels[step : step + 2], truths[step : step + 2], strict=True)
        ]
        seen = []
        voxels = list(
            zip(*(v.ravel().tolist() for v in (*levels, *truths)), strict=True)
        )  # levels, then truths
        coarse_truth, fine_truth = len(levels) + step, len(levels) + step + 1
        voxels = [
            v for v in voxels if v[coarse_truth] not in ignore and v[fine_truth] not in ignore
        ]
        for voxel in voxels:
            child = named[1].get(voxel[step + 1])
            parents = [v[coarse_truth] for v in voxels if v[fine_truth] == child]
            parent = max(sorted(set(parents)), key=parents.count) if parents else None
            seen.append(parent is not None and named[0].get(voxel[step]) == parent)
        shares.append(np.mean(seen))
    return shares


@pytest.mark.parametrize("ignore", [(), (1,)], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_consistency_is_what_its_definition_says(seed, ignore):
    rng = np.random.default_rng(seed)
    fine = rng.integers(0, 5, (3, 4, 5))
    truths = [np.array([0, 1, 0, 2, 2])[fine], fine + 3 * (rng.random(fine.shape) < 0.2)]
    levels = [rng.integers(0, 3, fine.shape), np.where(rng.random(fine.shape) < 0.7, fine, 6)]
    truths.append(truths[1] * 2 + rng.integers(0, 2, fine.shape))
    levels.append(levels[1] * 2 + rng.integers(0, 3, fine.shape))
    found = parent_child_consistency(levels, truths, ignore=ignore)
    assert found == pytest.approx(consistency_voxel_by_voxel(levels, truths, ignore))
    assert 0 < min(found) < 1


def test_a_truth_is_consistent_with_itself_under_any_names():
    truths = cell_phantom(0, shape=(20, 20, 20)).truths
    rng = np.random.default_rng(0)
    renamed = [rng.permutation(9)[truth] for truth in truths]
    assert parent_child_consistency(renamed, truths) == (1.0, 1.0)


def test_a_class_under_the_wrong_parent_costs_its_voxels():
    fine = np.repeat(np.arange(4), 10).reshape(4, 2, 5)
    right, wrong = fine // 2, np.array([0, 0, 1, 0])[fine]
    assert parent_child_consistency([right, fine], [right, fine]) == (1.0,)
    assert parent_child_consistency([wrong, fine], [right, fine]) == (0.75,)
    assert parent_child_consistency([fine], [fine]) == ()


def test_outlines_do_not_matter_to_consistency():
    fine = np.repeat(np.arange(4), 10).reshape(4, 2, 5)
    moved = np.roll(fine.ravel(), 4).reshape(fine.shape)
    assert parent_child_consistency([moved // 2, moved], [fine // 2, fine]) == (1.0,)


def test_an_unmatched_label_costs_its_voxels():
    fine = np.repeat(np.arange(4), 10).reshape(4, 2, 5)
    split = fine.copy()
    split[0, 0, :2] = 8
    assert parent_child_consistency([fine // 2, split], [fine // 2, fine]) == (38 / 40,)
    merged = np.minimum(fine // 2, 0)  # class 1 of the coarse truth has no label
    assert parent_child_consistency([merged, fine], [fine // 2, fine]) == (0.5,)


def test_a_perfect_tree_scores_one_everywhere():
    cuts, truths = [LEAVES // 2, LEAVES], [5 - LEAVES // 2, 3 * LEAVES]
    for level in evaluate_hierarchy(LEAVES, PARENTS, cuts, truths).levels:
        assert level.cut.mean_dice == 1
        assert level.mean_oracle_dice == level.mean_oracle_object_dice == 1
        assert level.dendrogram_purity == level.balanced_dendrogram_purity == 1
        assert level.parent_child_consistency in {None, 1.0}


def test_an_evaluation_is_made_of_what_its_parts_give():
    rng = np.random.default_rng(0)
    fine = np.where(rng.random(LEAVES.shape) < 0.8, LEAVES, rng.integers(0, 4, LEAVES.shape))
    leaves = LEAVES.copy()
    leaves[0, 0, 0] = -1
    cuts, truths, ignore = [leaves // 2, leaves], [fine // 2, fine], (3,)
    whole = evaluate_hierarchy(leaves, PARENTS, cuts, truths, ignore=ignore)
    steps = (None, *parent_child_consistency(cuts, truths, ignore=ignore))
    assert len(whole.levels) == 2
    for level, cut, truth, step in zip(whole.levels, cuts, truths, steps, strict=True):
        tree = leaves, PARENTS, truth
        assert level.cut == evaluate(cut, truth, ignore=ignore)
        assert level.oracle_classes == oracle_dice(*tree, ignore=ignore)
        assert level.oracle_objects == oracle_dice(*tree, per="object", ignore=ignore)
        assert level.dendrogram_purity == dendrogram_purity(*tree, ignore=ignore)
        assert level.balanced_dendrogram_purity == dendrogram_purity(
            *tree, balanced=True, ignore=ignore
        )
        assert level.parent_child_consistency == step
        dices = [row.dice for row in level.oracle_objects]
        assert level.mean_oracle_object_dice == pytest.approx(sum(dices) / len(dices))
    assert whole.levels[0].parent_child_consistency is None


def test_the_dictionary_is_json():
    whole = evaluate_hierarchy(LEAVES, PARENTS, [LEAVES // 2, LEAVES], [LEAVES // 2, LEAVES])
    read = json.loads(json.dumps(whole.to_dict()))["levels"]
    assert [level["parent_child_consistency"] for level in read] == [None, 1.0]
    assert read[1]["cut"] == whole.levels[1].cut.to_dict()
    assert read[0]["oracle_classes"] == [row.to_dict() for row in whole.levels[0].oracle_classes]
    assert len(read[1]["oracle_objects"]) == 4
    assert set(read[0]) == {
        "cut",
        "mean_oracle_dice",
        "mean_oracle_object_dice",
        "dendrogram_purity",
        "balanced_dendrogram_purity",
        "parent_child_consistency",
        "oracle_classes",
        "oracle_objects",
    }


def test_classes_are_counted_within_the_tree():
    truth = np.array([[[0, 1, 2, 3, 4]]])
    leaves = np.array([[[0, 0, 1, 1, -1]]], np.int32)
    assert class_count(leaves, truth) == 4
    assert class_count(leaves, truth, ignore=(0, 4)) == 3
    with pytest.raises(VolumeError, match=r"none is left once the classes \[0, 1, 2, 3\]"):
        class_count(leaves, truth, ignore=(3, 2, 1, 0))
    with pytest.raises(VolumeMismatchError, match="same grid"):
        class_count(leaves, truth[..., :3])


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(VolumeMismatchError, match="there are 2 truths and 1 sets of labels"):
        parent_child_consistency([LEAVES], [LEAVES, LEAVES])
    with pytest.raises(VolumeMismatchError, match="0 truths and 0 sets of labels"):
        evaluate_hierarchy(LEAVES, PARENTS, [], [])
    with pytest.raises(VolumeMismatchError, match=r"there are 2: \(4, 2, 4\), \(4, 2, 5\)"):
        parent_child_consistency([LEAVES, LEAVES[..., :4]], [LEAVES, LEAVES[..., :4]])
    with pytest.raises(VolumeError, match="none of 40 is left"):
        evaluate_hierarchy(LEAVES, PARENTS, [LEAVES], [0 * LEAVES], ignore=(0,))
