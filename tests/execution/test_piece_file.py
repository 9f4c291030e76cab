import os
import signal
import subprocess
import sys
import textwrap
import zlib

import pytest

from gyrovox.errors import FileAccessError, MissingFileError, OutputSpaceError
from gyrovox.execution.piece_file import (
    Contents,
    flush_folder,
    make_folder,
    remove_partial,
    room_for,
    written_piece,
)


def test_contents_are_those_of_the_whole_file(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(data)
    assert Contents.of(tmp_path / "a") == Contents(len(data), zlib.crc32(data))
    (tmp_path / "b").write_bytes(b"")
    assert Contents.of(tmp_path / "b") == Contents(0, 0)


@pytest.mark.parametrize("place", [0, 1_500_000, 2_999_999])
def test_one_bit_makes_other_contents(tmp_path, place):
    data = bytearray(3_000_000)
    (tmp_path / "a").write_bytes(data)
    before = Contents.of(tmp_path / "a")
    data[place] ^= 1
    (tmp_path / "a").write_bytes(data)
    assert Contents.of(tmp_path / "a") != before


@pytest.fixture
def folder(tmp_path):
    """A folder with three files, one of them empty."""
    (tmp_path / "whole" / "in").mkdir(parents=True)
    (tmp_path / "whole" / "a").write_bytes(b"one and")
    (tmp_path / "whole" / "in" / "b").write_bytes(b" two")
    (tmp_path / "whole" / "in" / "none").touch()
    return tmp_path / "whole"


def test_contents_of_a_folder_are_those_of_its_files_wherever_it_lies(folder):
    before = Contents.of(folder)
    assert before.bytes == 11
    assert Contents.of(folder.rename(folder.with_name("moved"))) == before


HARMS = {
    "a bit": lambda folder: (folder / "in" / "b").write_bytes(b" twn"),
    "a file that is gone": lambda folder: (folder / "in" / "none").unlink(),
    "a file that came": lambda folder: (folder / "c").touch(),
    "a file that is called otherwise": lambda folder: (folder / "a").rename(folder / "c"),
    "an end that is a beginning": lambda folder: (
        (folder / "a").write_bytes(b"one"),
        (folder / "in" / "b").write_bytes(b" and two"),
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_any_harm_makes_other_contents_of_a_folder(folder, harm):
    before = Contents.of(folder)
    HARMS[harm](folder)
    assert Contents.of(folder) != before


def test_a_piece_is_there_when_it_is_whole(tmp_path):
    path = tmp_path / "stage" / "z0.npy"
    with written_piece(path) as beside:
        assert (beside.parent, beside.suffix) == (path.parent, ".npy")
        beside.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_piece_takes_the_place_of_a_damaged_one(tmp_path):
    path = tmp_path / "piece"
    path.write_text("damaged")
    with written_piece(path) as beside:
        beside.write_text("whole")
    assert path.read_text() == "whole"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "piece"
    path.write_text("old")

    def write_half(beside):
        beside.write_text("half")
        raise error("injected")

    with pytest.raises(error, match="injected"), written_piece(path) as beside:
        write_half(beside)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_has_its_name_and_the_name_is_too(tmp_path, monkeypatch):
    path, order = tmp_path / "piece", []
    fsync = os.fsync
    monkeypatch.setattr(
        os,
        "fsync",
        lambda number: (
            order.append((os.readlink(f"/proc/self/fd/{number}"), path.exists())) or fsync(number)
        ),
    )
    with written_piece(path) as beside:
        beside.write_text("whole")
    assert order == [(str(beside), False), (str(tmp_path), True)]


if sys.platform != "linux":  # descriptors have names there only
    del test_it_is_on_the_disk_before_it_has_its_name_and_the_name_is_too


def test_a_killed_writer_leaves_a_whole_piece_or_none(tmp_path):
    """Killed between the bytes and the name: what is left is removed by the next run."""
    script = f"""
    import os, signal
    from pathlib import Path
    from gyrovox.execution import written_piece
    with written_piece(Path({str(tmp_path)!r}) / "stage" / "piece.npy") as beside:
        beside.write_bytes(bytes(1000))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "stage" / "piece.npy").exists()
    assert len(list((tmp_path / "stage").iterdir())) == 1
    remove_partial(tmp_path)
    assert list((tmp_path / "stage").iterdir()) == []


def test_only_what_is_partial_is_removed(tmp_path):
    for name in (
        "a.npy",
        "deep/c.0.0.5f3a.partial",
        "deep/.a.1b2c.partial.npy",
        "deep/partial.npy",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    remove_partial(tmp_path)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.npy")}
    assert left == {"a.npy", "deep/partial.npy"}
    assert not list(tmp_path.rglob("*.partial*"))


def test_a_full_disk_is_said_and_keeps_what_was_there(small_disk):
    before = small_disk / "first.npy"
    with written_piece(before) as beside:
        beside.write_bytes(b"x" * 100_000)
    with (
        pytest.raises(
            OutputSpaceError,
            match=r"second\.npy: the disk must have room for it, and has not \(\d MB are left\)\. "
            r"What was finished before is kept: free some space, and give the same command",
        ),
        written_piece(small_disk / "stage" / "second.npy") as beside,
    ):
        beside.write_bytes(b"x" * 10_000_000)
    assert before.read_bytes() == b"x" * 100_000
    assert list((small_disk / "stage").iterdir()) == []
    with written_piece(small_disk / "stage" / "second.npy") as beside:
        beside.write_bytes(b"y" * 1000)
    assert (small_disk / "stage" / "second.npy").read_bytes() == b"y" * 1000


def test_want_of_rights_is_said(tmp_path):
    with (
        pytest.raises(FileAccessError, match="this user may not write there"),
        room_for(tmp_path / "piece"),
    ):
        raise PermissionError("injected")


def test_room_is_told_of_a_folder_that_is_there(tmp_path):
    with (
        pytest.raises(OutputSpaceError, match=r"deep.*MB are left"),
        room_for(tmp_path / "deep" / "deeper" / "piece"),
    ):
        raise OSError("7200 requested and 2856 written")


def test_a_run_folder_is_made_where_there_is_a_place_for_it(tmp_path):
    make_folder(tmp_path / "run")
    make_folder(tmp_path / "run")
    assert (tmp_path / "run").is_dir()
    flush_folder(tmp_path)
    with pytest.raises(MissingFileError, match=r"the folder of an output must exist.*Create it"):
        make_folder(tmp_path / "absent" / "run")
