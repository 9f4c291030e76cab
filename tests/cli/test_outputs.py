"""Results appear whole or not at all."""

import shutil
from collections import namedtuple

import pytest

from gyrovox.cli.outputs import (
    check_absent,
    check_folder,
    check_inputs_stay,
    check_space,
    made,
    publish,
    staging,
)
from gyrovox.errors import OutputExistsError, OutputSpaceError, SettingsError


def test_an_output_that_exists_is_refused(tmp_path):
    there = tmp_path / "there"
    there.touch()
    with pytest.raises(OutputExistsError, match=r"there must not exist yet.*--overwrite"):
        check_absent([tmp_path / "absent", there], overwrite=False)
    check_absent([there], overwrite=True)


def test_a_folder_is_replaced_only_if_all_of_it_is_ours(tmp_path):
    folder = tmp_path / "results"
    check_folder(folder, ["level-*"], overwrite=False)
    folder.mkdir()
    (folder / "level-2.mrc").touch()
    with pytest.raises(OutputExistsError, match="must not exist yet"):
        check_folder(folder, ["level-*"], overwrite=False)
    check_folder(folder, ["level-*"], overwrite=True)
    (folder / "thesis.docx").touch()
    with pytest.raises(OutputExistsError, match=r"thesis\.docx in it was not written by"):
        check_folder(folder, ["level-*"], overwrite=True)


def test_a_file_where_a_folder_should_be_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputExistsError, match="must be a folder, and is a file"):
        check_folder(tmp_path / "file", [], overwrite=True)
    with pytest.raises(SettingsError, match=r"must lie in a folder, and .*file is a file"):
        check_space(tmp_path / "file" / "results", 1)
    with (
        pytest.raises(SettingsError, match="cannot be written to"),
        staging(tmp_path / "file" / "x"),
    ):
        pass


def test_too_little_space_is_said_before_the_work(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 5, 5_000_000))
    check_space(tmp_path / "not" / "yet", 5_000_000)
    with pytest.raises(OutputSpaceError, match=r"take up to 6 MB, .* no space .* 5 MB left"):
        check_space(tmp_path / "not" / "yet", 6_000_000)


def test_results_are_moved_into_place_and_the_hidden_folder_goes(tmp_path):
    target = tmp_path / "new" / "parents"
    with staging(target) as hidden:
        assert hidden.parent == target
        assert hidden.name.startswith(".")
        (hidden / "result").mkdir()
        (hidden / "result" / "file").write_text("new")
        (hidden / "alone").write_text("new")
        publish(hidden / "result", target / "result")
        publish(hidden / "alone", target / "alone")
    assert sorted(path.name for path in target.iterdir()) == ["alone", "result"]


def test_earlier_results_are_replaced_as_a_whole(tmp_path):
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "stale").touch()
    (tmp_path / "alone").write_text("old")
    with staging(tmp_path) as hidden:
        (hidden / "result").mkdir()
        (hidden / "result" / "fresh").touch()
        (hidden / "alone").write_text("new")
        publish(hidden / "result", tmp_path / "result")
        publish(hidden / "alone", tmp_path / "alone")
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["fresh"]
    assert (tmp_path / "alone").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_work_that_failed(tmp_path, kind):
    def fails():
        with staging(tmp_path / "new" / "parents") as hidden:
            (hidden / "half").touch()
            raise kind("stop")

    with pytest.raises(kind, match="stop"):
        fails()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_and_stays_if_something_is_in_it(tmp_path):
    target = tmp_path / "new" / "parents"

    def fails(kept):
        with made(target):
            if kept:
                (target / "kept").touch()
            raise KeyboardInterrupt

    with made(target):
        assert target.is_dir()
    target.rmdir()
    target.parent.rmdir()
    with pytest.raises(KeyboardInterrupt):
        fails(kept=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        fails(kept=True)
    assert [path.name for path in target.iterdir()] == ["kept"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be written to"), made(tmp_path / "file" / "a"):
        pytest.fail("it was entered")


def test_earlier_results_survive_a_move_that_fails(tmp_path):
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "old").touch()

    def fails():
        with staging(tmp_path) as hidden:
            publish(hidden / "never-made", tmp_path / "result")

    with pytest.raises(FileNotFoundError, match="never-made"):
        fails()
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["old"]


def test_an_input_is_no_output(tmp_path):
    inside = tmp_path / "out" / "a.mrc"
    check_inputs_stay([inside], [tmp_path / "other", tmp_path / "out" / "b.mrc"])
    for output in (inside, tmp_path / "x" / ".." / "out"):
        with pytest.raises(OutputExistsError, match=r"a\.mrc would be replaced by the output"):
            check_inputs_stay([inside], [output])
