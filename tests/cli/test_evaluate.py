"""`gyrovox evaluate`: labels, and trees."""

import json

import numpy as np
import pytest

from gyrovox import io
from gyrovox.clustering import SegmentationTree
from gyrovox.evaluation import evaluate, evaluate_hierarchy
from gyrovox.volumes import Volume


@pytest.fixture
def truth():
    return np.repeat(np.arange(3, dtype=np.uint8), 40).reshape(3, 5, 8)


@pytest.fixture
def labels(truth):
    moved = (2 - truth).astype(np.uint8)
    moved[0, 0, :3] = 0
    return moved


def test_the_table_has_every_class_and_the_means(run, write, labels, truth):
    done = run("evaluate", write(labels, "labels.mrc"), write(truth, "truth.mrc"))
    expected = evaluate(labels, truth)
    assert done.code == 0
    assert "Dice" in done.out
    assert f"{expected.mean_dice:.3f}" in done.out
    assert f"adjusted Rand {expected.adjusted_rand:.3f}" in done.out


def test_json_is_what_python_gives(run, write, labels, truth):
    done = run("evaluate", write(labels, "labels.nii.gz"), write(truth, "truth.mrc"), "--json")
    assert json.loads(done.out) == evaluate(labels, truth).to_dict()


def test_classes_can_be_left_out(run, write, labels, truth):
    files = write(labels, "labels.mrc"), write(truth, "truth.mrc")
    done = run("evaluate", *files, "--ignore", "0", "--json")
    assert json.loads(done.out) == evaluate(labels, truth, ignore=(0,)).to_dict()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (np.zeros((3, 5, 9), np.uint8), "must have the same shape"),
        (np.zeros((2, 3, 5, 8), np.uint8), "must have one channel, got 2"),
        (np.full((3, 5, 8), 0.5, np.float32), "whole number"),
    ],
)
def test_what_is_no_label_volume_is_one_line(run, write, truth, other, message):
    done = run("evaluate", write(other, "other.nii"), write(truth, "truth.mrc"))
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not done.out


@pytest.mark.parametrize("count", [0, 1, 3])
def test_labels_have_one_truth(run, write, truth, count):
    done = run("evaluate", *[write(truth, f"{number}.mrc") for number in range(count)])
    assert done.code == 1
    assert f"{count} volumes came. Several truths, coarse to fine, go with --tree." in done.err


@pytest.fixture
def fine():
    return np.repeat(np.arange(4, dtype=np.uint8), 30).reshape(4, 5, 6)


@pytest.fixture
def tree(fine):
    """Five leaves: those of the fine truth, of which the last is in two; 5 and 6, 7 all pairs."""
    leaves = fine.astype(np.int32)
    leaves[3, 4] = 4
    sizes = np.bincount(leaves.ravel())
    parents = np.array([6, 6, 7, 5, 5, 7, 8, 8, 8], np.int32)
    order = [sizes[3] + sizes[4], sizes[0] + sizes[1], sizes[2:].sum(), sizes.sum()]
    return SegmentationTree(
        leaves=leaves,
        parents=parents,
        altitudes=np.array([0, 0, 0, 0, 0, 1, 2, 3, 4], np.float64),
        sizes=np.concatenate([sizes, order]).astype(np.int64),
        codes=np.zeros((9, 2), np.float32),
        spreads=np.zeros(9, np.float32),
        contrasts=np.zeros(9, np.float32),
        curvature=-1.0,
        voxel_size_nm=None,
    )


@pytest.fixture
def tree_file(tree, tmp_path):
    io.write_tree(tree, tmp_path, like=Volume.from_array(tree.leaves.astype(np.uint8)))
    return tmp_path / "tree.json"


def test_a_tree_is_cut_for_every_truth(run, write, fine, tree, tree_file):
    coarse = (fine // 2).astype(np.uint8)
    coarse[2, 0, :4] = 0
    files = write(coarse, "coarse.mrc"), write(fine, "fine.nii.gz")
    done = run("evaluate", "--tree", tree_file, *files, "--json")
    cuts = [tree.cut(2).labels, tree.cut(4).labels]
    expected = evaluate_hierarchy(tree.leaves, tree.parents, cuts, [coarse, fine])
    assert json.loads(done.out) == expected.to_dict()
    assert [level.parent_child_consistency for level in expected.levels] == [None, 1.0]
    assert expected.levels[0].mean_oracle_dice < expected.levels[1].cut.mean_dice == 1
    shown = run("evaluate", *files, "--tree", tree_file)
    assert shown.code == 0
    rows = [line.split() for line in shown.out.splitlines()]
    assert rows[1][:3] == ["1", "2", f"{expected.levels[0].cut.mean_dice:.3f}"]
    assert rows[2] == ["2", "4", "1.000", "1.000", "4", "1.000", "1.000", "1.000", "1.000"]


def test_classes_that_are_left_out_need_no_part_of_the_cut(run, write, fine, tree, tree_file):
    files = [write(fine, "fine.mrc")]
    done = run("evaluate", "--tree", tree_file, *files, "--ignore", "2", "0", "--json")
    expected = evaluate_hierarchy(
        tree.leaves, tree.parents, [tree.cut(2).labels], [fine], ignore=(0, 2)
    )
    assert json.loads(done.out) == expected.to_dict()


def test_what_cannot_be_compared_with_a_tree_is_one_line(run, write, fine, tree_file):
    truth = write(fine, "truth.mrc")
    six = np.arange(120, dtype=np.uint8).reshape(fine.shape) % 6
    for words, message in (
        (["--tree", tree_file], "name at least one TRUTH"),
        (["--tree", truth, truth], "truth.mrc"),
        (["--tree", tree_file.parent / "no.json", truth], "no.json is no file"),
        (["--tree", tree_file, truth, write(fine[:, :3], "small.mrc")], "must have the same shape"),
        (["--tree", tree_file, write(six, "six.mrc")], "6 were asked for of 5 leaves"),
    ):
        done = run("evaluate", *words)
        assert done.code == 1
        assert message in done.err
        assert done.err.count("\n") == 1
        assert not done.out
