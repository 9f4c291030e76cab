import errno
import os
from pathlib import Path

import pytest

from gyrovox.errors import (
    FileAccessError,
    MissingFileError,
    OutputExistsError,
    OutputSpaceError,
)
from gyrovox.io.atomic import written_whole


def test_nothing_is_there_until_all_is(tmp_path):
    path = tmp_path / "out.mrc"
    with written_whole(path, overwrite=False, suffix=".mrc") as beside:
        assert beside.parent == path.parent
        assert beside.name.endswith(".mrc")
        beside.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_a_folder(tmp_path):
    path = tmp_path / "out.zarr"
    for text in ("first", "second"):
        with written_whole(path, overwrite=True, suffix=".zarr") as beside:
            beside.mkdir()
            (beside / "content").write_text(text)
    assert (path / "content").read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    path = tmp_path / "out.zarr"
    path.mkdir()
    (path / "content").write_text("first")
    rename = Path.rename

    def refuse(self, target):
        if ".partial" in self.name:
            raise OSError(errno.EIO, "injected")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with (
        pytest.raises(OSError, match="injected"),
        written_whole(path, overwrite=True, suffix=".zarr") as beside,
    ):
        beside.mkdir()
    assert (path / "content").read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("is_folder", [False, True])
def test_what_was_half_written_is_removed(tmp_path, error, is_folder):
    def write_half_of(beside):
        if is_folder:
            (beside / "deep").mkdir(parents=True)
        else:
            beside.write_text("half")
        raise error("injected")

    with (
        pytest.raises(error, match="injected"),
        written_whole(tmp_path / "out", overwrite=False, suffix="") as beside,
    ):
        write_half_of(beside)
    assert not list(tmp_path.iterdir())


def no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def wrapped(inner):
    error = RuntimeError("a library's own words")
    error.__cause__ = inner
    return error


@pytest.mark.parametrize(
    "error",
    [
        no_space(),
        OSError(errno.EDQUOT, "quota"),
        RuntimeError("Can't write (errno = 28, error message = 'No space left on device')"),
        OSError("7200 requested and 2856 written"),
        wrapped(no_space()),
    ],
    ids=repr,
)
def test_want_of_room_is_said_whoever_notices_it(tmp_path, error):
    with (
        pytest.raises(OutputSpaceError, match=r"must have room for the output.*MB are left"),
        written_whole(tmp_path / "out", overwrite=False, suffix=""),
    ):
        raise error


def test_want_of_rights_is_said(tmp_path):
    with (
        pytest.raises(FileAccessError, match="this user may not write there"),
        written_whole(tmp_path / "out", overwrite=False, suffix=""),
    ):
        raise PermissionError(errno.EACCES, "injected")


def test_other_errors_stay_what_they_are(tmp_path):
    with (
        pytest.raises(ZeroDivisionError, match="division"),
        written_whole(tmp_path / "out", overwrite=False, suffix=""),
    ):
        _ = 1 / 0


def test_an_output_that_exists_is_refused_before_the_work(tmp_path):
    (tmp_path / "out").write_text("old")
    with (
        pytest.raises(OutputExistsError, match=r"must not exist yet, and does\. Pass --overwrite"),
        written_whole(tmp_path / "out", overwrite=False, suffix=""),
    ):
        pytest.fail("the work began")
    assert (tmp_path / "out").read_text() == "old"


def test_the_folder_of_an_output_must_exist(tmp_path):
    with (
        pytest.raises(MissingFileError, match="the folder of an output must exist"),
        written_whole(tmp_path / "absent" / "out", overwrite=False, suffix=""),
    ):
        pytest.fail("the work began")
