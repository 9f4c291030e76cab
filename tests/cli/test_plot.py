"""`gyrovox plot`."""

import shutil

import pytest
from block_result import write_result


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_result(tmp_path_factory.mktemp("plot") / "out" / "cell")


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made.parent, tmp_path / "out")
    return tmp_path / "out"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_named_pictures_are_written_into_the_result(run, folder):
    done = run("plot", folder, "--what", "reliability", "surfaces", "--dpi", "40", "--quiet")
    assert (done.code, done.err) == (0, "")
    plots = folder / "cell" / "plots"
    assert names(plots) == ["reliability.csv", "reliability.png", "surfaces.html"]
    assert done.out.splitlines()[0] == str(plots / "reliability.png")


def test_of_all_pictures_those_that_cannot_be_drawn_are_named_with_the_reason(run, folder):
    done = run("plot", folder / "cell", "-o", folder / "new", "--dpi", "40")
    assert done.code == 0
    assert names(folder / "new") == [
        "disk.png",
        "reliability.csv",
        "reliability.png",
        "slices.png",
        "surfaces.html",
    ]
    for name in ("projection", "components", "reconstructions", "patches", "curves"):
        (line,) = [line for line in done.err.splitlines() if line.startswith(name)]
        assert line.startswith(f"{name} of cell is left out: ")


def test_one_that_was_asked_for_by_name_is_an_error(run, folder):
    done = run("plot", folder / "cell", "--what", "curves", "--quiet")
    assert done.code == 1
    assert done.err.startswith("gyrovox: training curves are in the model, and there is no model")
    assert not (folder / "cell" / "plots").exists()


def test_pictures_that_are_there_stay_unless_overwrite_is_given(run, folder):
    words = ("plot", folder / "cell", "--what", "reliability", "--dpi", "40", "--quiet")
    assert run(*words).code == 0
    again = run(*words)
    assert again.code == 1
    assert "reliability.png must not exist yet" in again.err
    assert run(*words, "--overwrite").code == 0


def test_several_results_get_a_folder_each(run, folder, tmp_path):
    shutil.copytree(folder / "cell", folder / "other")
    words = ("--what", "reliability", "--dpi", "40", "--quiet")
    assert run("plot", folder, "-o", tmp_path / "all", *words).code == 0
    assert names(tmp_path / "all") == ["cell", "other"]
    shutil.copytree(folder / "cell", folder / "deeper" / "cell")
    done = run("plot", folder, "-o", tmp_path / "more", *words)
    assert done.code == 1
    assert "results must have different names to share the folder" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--dpi", "5"), "--dpi must be from 30 to 1200, got 5"),
        (("--level", "5000"), "--level must be from 1 to"),
    ],
)
def test_wrong_numbers_are_refused_before_anything_is_drawn(run, folder, words, message):
    done = run("plot", folder / "cell", *words)
    assert done.code == 1
    assert message in done.err
    assert not (folder / "cell" / "plots").exists()


def test_a_folder_without_a_result_is_refused(run, tmp_path):
    done = run("plot", tmp_path)
    assert done.code == 1
    assert "a folder of results must hold a tree.json" in done.err
