"""`gyrovox report`, and the page that every segmentation leaves."""

import json

import numpy as np
import pytest
from slab_result import SHAPE, slab_tree, write_slabs

from gyrovox import io
from gyrovox.cli.report import leave_report
from gyrovox.report import page
from gyrovox.volumes import Volume


@pytest.fixture
def result(tmp_path):
    """A finished run with a tree."""
    return write_slabs(tmp_path / "result")


@pytest.fixture
def truth(write):
    """A truth of two classes, and one of three, as files."""
    tree = slab_tree()
    return [write(tree.cut(k).labels, f"truth-{k}.mrc") for k in (2, 4)]


def page_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_it_is_made_anew(run, result):
    done = run("report", result)
    assert (done.code, done.out) == (0, f"{result / 'report.html'}\n")
    assert "Nothing here was compared with a truth." in page_of(result)
    assert "<h3>image</h3>" in page_of(result)
    first = page_of(result)
    assert run("report", result).code == 0
    assert page_of(result) == first


def test_truths_are_scored_and_the_scores_kept(run, result, truth):
    assert run("report", result, "--truth", *truth).code == 0
    scores = json.loads((result / "evaluation.json").read_text())
    assert list(scores) == ["truth-2.mrc, 2 classes", "truth-4.mrc, 4 classes", "tree"]
    assert [one["mean_dice"] for one in list(scores.values())[:2]] == [1.0, 1.0]
    assert [one["cut"] for one in scores["tree"]["levels"]] == list(scores.values())[:2]
    assert "truth-4.mrc, 4 classes" in page_of(result)
    assert "Nothing here was compared" not in page_of(result)
    # Kept, so that they are there when the page is made anew.
    assert run("report", result).code == 0
    assert "truth-4.mrc, 4 classes" in page_of(result)


def test_the_files_of_the_levels_are_scored_not_the_cuts(run, result, truth):
    volume = io.read(result / "scan.mrc")
    labels = np.zeros(SHAPE, np.uint8)
    labels[:3] = 1
    io.write_labels(labels, result / "level-2.mrc", like=volume, overwrite=True)
    assert run("report", result, "--truth", truth[0]).code == 0
    scores = json.loads((result / "evaluation.json").read_text())
    assert scores["truth-2.mrc, 2 classes"]["mean_dice"] < 0.7


def test_classes_may_be_left_out(run, result, truth):
    assert run("report", result, "--truth", truth[1], "--ignore", "3").code == 0
    scores = json.loads((result / "evaluation.json").read_text())
    classes = scores["truth-4.mrc, 3 classes"]["classes"]
    assert [one["truth_class"] for one in classes] == [0, 1, 2]


@pytest.mark.parametrize(("which", "level"), [(0, 2), (1, 3)], ids=["as many", "the finest"])
def test_without_a_tree_the_level_that_fits_is_scored(run, tmp_path, truth, which, level):
    folder = write_slabs(tmp_path / "flat", with_tree=False)
    assert run("report", folder, "--truth", truth[which]).code == 0
    (name,) = json.loads((folder / "evaluation.json").read_text())
    assert name == f"{truth[which].name}, {level} classes"


def test_where_the_volume_is_gone_labels_are_shown_alone(run, result):
    (result / "scan.mrc").unlink()
    done = run("report", result)
    assert done.code == 0
    assert "labels are shown alone" in done.err
    assert "<h3>image</h3>" not in page_of(result)
    assert run("report", result, "--quiet").err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ignore", "0"), "--ignore leaves out classes of a truth: name one with --truth"),
        (("--truth", "absent.mrc"), "absent.mrc: the file must exist"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_all_as_it_was(run, result, words, message):
    before = {path.name: path.read_bytes() for path in result.iterdir()}
    refused = run("report", result, *words)
    assert refused.code == 1
    assert message in refused.err
    assert {path.name: path.read_bytes() for path in result.iterdir()} == before


@pytest.mark.parametrize(
    ("shape", "message"),
    [((2, *SHAPE), "must have one channel of labels, got 2"), ((7, 12, 10), "shape")],
    ids=["two channels", "another shape"],
)
def test_a_truth_that_is_none_is_refused(run, result, write, shape, message):
    refused = run("report", result, "--truth", write(np.zeros(shape, np.uint8), "odd.tif"))
    assert refused.code == 1
    assert message in refused.err


def test_no_result_is_refused(run, tmp_path):
    refused = run("report", tmp_path)
    assert refused.code == 1
    assert "must hold level-K files" in refused.err


def test_the_page_is_left_with_the_name_that_the_folder_will_have(result):
    leave_report(result, io.read(result / "scan.mrc"), place="out/cell one")
    assert "gyrovox view &#x27;out/cell one&#x27;" in page_of(result)
    assert str(result) not in page_of(result)


def test_labels_stay_where_the_page_cannot_be_drawn(capsys, result, monkeypatch):
    def fails(*_, **__):
        raise ZeroDivisionError("no pens")

    monkeypatch.setattr(page, "write_report", fails)
    leave_report(result, Volume.from_array(np.zeros(SHAPE, np.uint8)), place="out/cell")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "report.html could not be made: ZeroDivisionError: no pens" in said
    assert "gyrovox report out/cell tries again" in said
    assert (result / "level-3.mrc").exists()
