"""An evaluation as a table."""

import io

import numpy as np
import pytest
from rich.console import Console

from gyrovox.evaluation import evaluate
from gyrovox.report import evaluation_markdown, evaluation_table


@pytest.fixture
def evaluation():
    truth = np.repeat(np.arange(3), 4).reshape(3, 2, 2)
    labels = np.where(truth == 2, 7, 5)
    return evaluate(labels, truth)


def test_the_table_names_every_class_the_means_and_the_partitions(evaluation):
    shown = io.StringIO()
    Console(file=shown, width=120).print(evaluation_table(evaluation))
    lines = shown.getvalue().splitlines()
    assert lines[0].split() == [
        "class",
        "label",
        "Dice",
        "IoU",
        "voxels",
        "of",
        "the",
        "label",
        "shared",
    ]
    assert lines[3].split() == ["2", "7", "1.000", "1.000", "4", "4", "4"]
    assert "none" in lines[1] + lines[2]
    assert lines[4].split() == [
        "mean",
        f"{evaluation.mean_dice:.3f}",
        f"{evaluation.mean_iou:.3f}",
    ]
    assert f"adjusted Rand {evaluation.adjusted_rand:.3f}, variation of information" in lines[5]


def test_markdown_has_the_means_and_each_table(evaluation):
    text = evaluation_markdown({"level 1": evaluation, "level 2": evaluation})
    assert text.startswith("| labels | mean Dice |")
    assert text.count(f"| {evaluation.mean_dice:.3f} | {evaluation.mean_iou:.3f} |") == 2
    assert "## level 1" in text
    assert "## level 2" in text
    assert "| 2 | 7 | 1.000 | 1.000 | 4 | 4 | 4 |" in text
    assert text.endswith("|\n")
    for line in text.splitlines():
        assert line == "" or line.startswith(("|", "##"))
