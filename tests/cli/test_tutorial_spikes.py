"""`gyrovox tutorial spikes`: the whole story, small, and what happens when it is asked again."""

import contextlib
import io
import json
import re

import pytest

from gyrovox.cli import main

FOLDERS = (
    "1-simulation",
    "2-alignment",
    "3-tomogram",
    "4-denoised",
    "5-virions",
    "6-spikes",
    "7-average",
)
SMALL = ("--shape", "44", "72", "72", "--voxel-size-nm", "4", "--virions", "2")
QUICK = ("--denoising-steps", "2", "--training-steps", "2")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The folder of a finished tutorial, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("tutorial") / "out"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as leave:
        main(words(folder, seed=1))
    assert leave.value.code == 0
    return folder, out.getvalue()


def words(folder, seed):
    return ["tutorial", "spikes", "-o", str(folder), "--seed", str(seed), *SMALL, *QUICK, "--quiet"]


def times_of(folder):
    return {
        path: path.stat().st_mtime_ns
        for name in FOLDERS
        for path in (folder / name).rglob("*")
        if path.is_file()
    }


def test_every_step_leaves_its_folder_and_its_chapter(told):
    folder, said = told
    assert all((folder / name).is_dir() for name in FOLDERS)
    text = (folder / "story.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<h2>\d\. ", text)) == len(FOLDERS)
    assert text.count("data:image/png;base64,") == len(FOLDERS)
    assert str(folder / "story.html") in said
    assert list(json.loads((folder / "times.json").read_text(encoding="utf-8"))) == list(FOLDERS)


def test_the_story_shows_the_commands_that_ran(told):
    folder, _ = told
    text = (folder / "story.html").read_text(encoding="utf-8")
    for word in ("phantom tomogram", "align", "reconstruct", "denoise", "pick", "spikes"):
        assert f"gyrovox {word} " in text


def test_asked_again_it_runs_no_step_twice(told, run):
    folder, _ = told
    before = times_of(folder)
    done = run(*words(folder, seed=1))
    assert done.code == 0, done.err
    assert times_of(folder) == before


def test_other_settings_are_not_mixed_in(told, run):
    folder, _ = told
    done = run(*words(folder, seed=2))
    assert done.code == 1
    assert "must hold a tutorial with the same settings to go on with" in done.err


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, run):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    done = run("tutorial", "spikes", "-o", tmp_path, "--quiet")
    assert done.code == 1
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "dear"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("spikes", "-o", "out", "--seed", "-1"), "--seed must not be negative, got -1"),
        (("knitting",), "a tutorial must be one of: spikes"),
    ],
)
def test_what_cannot_be_is_said_at_once(tmp_path, run, monkeypatch, asked, said):
    monkeypatch.chdir(tmp_path)
    done = run("tutorial", *asked)
    assert done.code
    assert said in done.err
    assert not (tmp_path / "out").exists()
