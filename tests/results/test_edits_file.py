"""Edits are saved whole, and one after the other."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gyrovox.errors import EditConflictError, EditError, FileAccessError
from gyrovox.execution import exclusive
from gyrovox.results import Group, HandEdits, edits_file, read_edits, write_edits

CHOSEN = HandEdits(names={3: "vesicle"}, groups=(Group((1, 2), "pair"),))


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_nothing_saved_is_nothing_chosen(result):
    assert read_edits(result) == HandEdits()


def test_what_is_saved_is_read_and_counts_up(result):
    before = names(result.path)
    first = write_edits(result, CHOSEN, 0)
    assert first == CHOSEN.with_revision(1)
    assert read_edits(result) == first
    second = write_edits(result, first, 1)
    assert read_edits(result) == second == CHOSEN.with_revision(2)
    assert names(result.path) - before == {"edits.json"}


def test_edits_made_from_older_ones_are_refused(result):
    write_edits(result, CHOSEN, 0)
    other = HandEdits(names={4: "mine"})
    with pytest.raises(EditConflictError, match="from revision 0 where revision 1 has been saved"):
        write_edits(result, other, 0)
    with pytest.raises(EditConflictError, match="from revision 7 where revision 1"):
        write_edits(result, other, 7)
    assert read_edits(result) == CHOSEN.with_revision(1)


def test_edits_that_do_not_fit_are_not_written(result):
    with pytest.raises(EditError, match="of nodes 0 to 22"):
        write_edits(result, HandEdits(names={99: "a"}), 0)
    assert "edits.json" not in names(result.path)


def test_damaged_edits_are_not_overwritten(result):
    (result.path / "edits.json").write_text("{")
    for action in (read_edits, lambda one: write_edits(one, CHOSEN, 0)):
        with pytest.raises(EditError, match="Take the file away"):
            action(result)
    assert (result.path / "edits.json").read_text() == "{"


def test_of_many_who_save_at_once_one_wins_each_revision(result):
    def save(number):
        edits = HandEdits(names={number: f"by {number}"})
        try:
            return write_edits(result, edits, 0)
        except EditConflictError:
            return None

    with ThreadPoolExecutor(8) as crew:
        saved = [one for one in crew.map(save, range(8)) if one is not None]
    assert len(saved) == 1
    assert read_edits(result) == saved[0]


def test_whoever_saves_waits_for_another_but_not_for_ever(result, monkeypatch):
    monkeypatch.setattr(edits_file, "_PATIENCE_S", 0.05)
    with (
        exclusive(result.path),
        pytest.raises(EditConflictError, match="by one at a time, and another process"),
    ):
        write_edits(result, CHOSEN, 0)
    assert write_edits(result, CHOSEN, 0).revision == 1


# A saver that is killed once it has written beside, before that takes its place.
KILLED = """
import os, signal, sys
from pathlib import Path
from gyrovox.results import HandEdits, ResultFolder, write_edits
replace = Path.replace
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
write_edits(ResultFolder.open(sys.argv[1]), HandEdits(names={1: "lost"}), 1)
"""


def test_a_saver_that_is_killed_loses_nothing_and_locks_nobody_out(result):
    saved = write_edits(result, CHOSEN, 0)
    done = subprocess.run([sys.executable, "-c", KILLED, result.path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_edits(result) == saved
    assert write_edits(result, saved, 1).revision == 2
    assert json.loads((result.path / "edits.json").read_text())["names"] == {"3": "vesicle"}


def test_edits_that_may_not_be_read_are_refused(result, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FileAccessError, match="edits must be readable"):
        read_edits(result)


def test_a_folder_that_may_not_be_written_is_said(result, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileAccessError, match="may not write there"):
        write_edits(result, CHOSEN, 0)
