"""The evaluation of a tree as a table."""

import io

import numpy as np
import pytest
from rich.console import Console

from gyrovox.evaluation import evaluate_hierarchy
from gyrovox.report import hierarchy_markdown, hierarchy_table


@pytest.fixture
def evaluation():
    """Four leaves, of which the first lacks a voxel; one coarse class lies outside the tree."""
    fine = np.repeat(np.arange(4, dtype=np.int32), 4).reshape(4, 2, 2)
    leaves = fine.copy()
    leaves[3] = -1
    parents = np.array([3, 3, 4, 4, 4], np.int32)
    coarse = np.array([0, 0, 0, 5])[fine]
    return evaluate_hierarchy(leaves, parents, [0 * fine, leaves], [coarse, fine])


def test_the_table_has_a_row_for_every_level_and_one_for_every_class(evaluation):
    shown = io.StringIO()
    Console(file=shown, width=80).print(hierarchy_table(evaluation))
    lines = [line.split() for line in shown.getvalue().splitlines()]
    first, second = evaluation.levels
    headings = "level classes Dice oracle objects per object purity balanced consistent"
    assert lines[0] == headings.split()
    assert lines[1] == [
        "1",
        "2",
        f"{first.cut.mean_dice:.3f}",
        "0.500",
        "2",
        "0.500",
        "1.000",
        "1.000",
    ]
    assert lines[2] == ["2", "4", "1.000", "0.750", "4", "0.750", "1.000", "1.000", "0.750"]
    assert second.cut.mean_dice == 1
    assert lines[3] == []
    assert " ".join(lines[4]) == "level class label Dice node oracle voxels"
    assert lines[5:7] == [
        ["1", "0", "0", "0.857", "5", "1.000", "12"],
        ["1", "5", "none", "0.000", "none", "0.000", "4"],
    ]
    assert lines[9] == ["2", "2", "2", "1.000", "3", "1.000", "4"]
    assert lines[10] == ["2", "3", "-1", "1.000", "none", "0.000", "4"]
    assert lines[11] == []
    assert lines[12][:2] == ["Dice:", "of"]


def test_markdown_has_a_row_for_every_level_of_every_tree(evaluation):
    lines = hierarchy_markdown({"one": evaluation, "other": evaluation}).splitlines()
    assert len(lines) == 6
    assert {line.count("|") for line in lines} == {11}
    assert lines[3] == ("| one | 2 | 4 | 1.000 | 0.750 | 4 | 0.750 | 1.000 | 1.000 | 0.750 |")
    assert lines[4].startswith("| other | 1 | 2 | ")
    assert hierarchy_markdown({}).endswith("|\n")
