"""`gyrovox demo`."""

import json

import pytest

from gyrovox.cli import main

SMALL = ("--shape", "24", "24", "24", "--training.steps", "2", "--threads", "1")
LEFT = [
    "evaluation.json",
    "evaluation.md",
    "leaves.mrc",
    *(f"level-{k}.mrc" for k in (2, 4, 8)),
    "model.safetensors",
    "overview.png",
    "report.html",
    "run.json",
    "tree.json",
    *(f"truth-000-level-{level}.mrc" for level in (1, 2, 3)),
    "truth.png",
    "volume-000.mrc",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The folder that a small demo left, alone in its parent."""
    folder = tmp_path_factory.mktemp("parent") / "demo"
    with pytest.raises(SystemExit) as leave:
        main(["demo", "-o", str(folder), "--quiet", *SMALL])
    assert leave.value.code == 0
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_leaves_a_whole_report(report):
    assert names(report) == LEFT
    assert names(report.parent) == ["demo"]
    scores = json.loads((report / "evaluation.json").read_text())
    tree = scores.pop("tree")
    assert [len(one["classes"]) for one in scores.values()] == [2, 4, 8]
    # The levels are cuts of the tree, so they have the same scores.
    assert [level["cut"] for level in tree["levels"]] == list(scores.values())
    assert 0 < tree["levels"][0]["dendrogram_purity"] <= 1
    assert "| tree | 3 | 8 |" in (report / "evaluation.md").read_text()
    assert "| level 3, 8 classes |" in (report / "evaluation.md").read_text()
    record = json.loads((report / "run.json").read_text())
    assert record["command"] == "demo"
    assert record["inputs"][0]["path"] == "volume-000.mrc"
    assert record["timings_s"].keys() >= {"phantom", "train", "segment", "evaluate"}


def test_its_page_has_the_scores_and_the_place(report):
    text = (report / "report.html").read_text(encoding="utf-8")
    assert "level 3, 8 classes" in text
    assert "best node per class" in text
    assert f"gyrovox view {report}" in text
    assert ".gyrovox-" not in text  # the hidden folder that it was made in


def test_an_earlier_report_is_left_alone(run, report):
    refused = run("demo", "-o", report)
    assert refused.code == 1
    assert "demo must not exist yet" in refused.err
    assert refused.err.count("\n") == 1
    assert names(report) == LEFT


def test_it_is_replaced_if_asked_and_the_scores_are_shown(run, report):
    done = run("demo", "-o", report, "--overwrite", *SMALL)
    assert done.code == 0
    assert "level 3, 8 classes" in done.out
    assert "adjusted Rand" in done.out
    assert "dendrogram" in done.out or "purity" in done.out
    *_, page, command = done.out.splitlines()
    assert page == str(report / "report.html")
    assert command == f"gyrovox view {report}"
    assert names(report) == LEFT
    assert names(report.parent) == ["demo"]


def test_a_folder_with_other_things_is_never_replaced(run, tmp_path):
    (tmp_path / "thesis.docx").touch()
    refused = run("demo", "-o", tmp_path, "--overwrite", *SMALL)
    assert refused.code == 1
    assert "thesis.docx in it was not written by this command" in refused.err
    assert names(tmp_path) == ["thesis.docx"]


def test_without_a_tree_there_is_none_to_score(run, tmp_path):
    words = ("--clustering", "kmeans", "--quiet", *SMALL)
    done = run("demo", "-o", tmp_path / "demo", *words)
    assert done.code == 0
    assert done.out == f"{tmp_path / 'demo' / 'report.html'}\n"  # and nothing to explore
    assert names(tmp_path / "demo") == [
        name for name in LEFT if name not in {"tree.json", "leaves.mrc"}
    ]
    assert "tree" not in json.loads((tmp_path / "demo" / "evaluation.json").read_text())
    assert "not nested" in (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
