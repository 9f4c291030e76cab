"""`gyrovox evaluate`."""

import json

import numpy as np
import pytest

from gyrovox.evaluation import evaluate


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
