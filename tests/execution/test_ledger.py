import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from gyrovox.errors import (
    DamagedPieceWarning,
    FileAccessError,
    MissingFileError,
    OutputSpaceError,
    RunMismatchError,
)
from gyrovox.execution import Contents, Ledger, written_piece

ASKED = {"command": "segment", "seed": 0, "settings": {"steps": 300, "levels": (2, 4)}}


def opened(folder, **changes):
    return Ledger(folder, fingerprint={**ASKED, **changes})


def write(ledger, key, text="whole", stage="tiles"):
    with ledger.write(stage, key, ".txt") as beside:
        beside.write_text(text)


def lines(folder):
    return (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)


def test_a_piece_is_done_when_it_is_written_now_and_in_the_next_run(tmp_path):
    ledger = opened(tmp_path / "run")
    assert not ledger.done("tiles", "z0-y1")
    write(ledger, "z0-y1")
    for one in (ledger, opened(tmp_path / "run")):
        assert one.done("tiles", "z0-y1")
        assert not one.done("tiles", "z0-y2")
        assert not one.done("other", "z0-y1")
    assert ledger.path("tiles", "z0-y1", ".txt").read_text() == "whole"
    assert ledger.path("tiles", "z0-y1", ".txt") == tmp_path / "run" / "tiles" / "z0-y1.txt"


def test_a_line_says_what_the_file_holds(tmp_path):
    write(opened(tmp_path / "run"), "z0", "abc")
    head, line = map(json.loads, lines(tmp_path / "run"))
    assert head == {"version": 1, "fingerprint": json.loads(json.dumps(ASKED))}
    # The CRC-32 of "abc", as every book on it prints it.
    assert line == {
        "stage": "tiles",
        "key": "z0",
        "file": "tiles/z0.txt",
        "bytes": 3,
        "crc32": 0x352441C2,
    }


def test_what_a_worker_wrote_is_recorded_by_whoever_drives_the_run(tmp_path):
    ledger = opened(tmp_path / "run")
    path = ledger.path("tiles", "z0", ".txt")
    with written_piece(path) as beside:
        beside.write_text("by a worker")
    assert not ledger.done("tiles", "z0")
    ledger.record("tiles", "z0", path, Contents.of(path))
    assert opened(tmp_path / "run").done("tiles", "z0")


def test_what_the_worker_says_is_checked_against_the_file(tmp_path):
    ledger = opened(tmp_path / "run")
    path = tmp_path / "run" / "sink.zarr" / "c" / "0"
    path.parent.mkdir(parents=True)
    path.write_text("what lies on the disk")
    ledger.record("tiles", "z0", path, Contents(21, 12345))
    with pytest.warns(DamagedPieceWarning, match=r"sink\.zarr/c/0 is not what this run wrote"):
        assert not ledger.done("tiles", "z0")


def damage(path):
    data = bytearray(path.read_bytes())
    data[2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [damage, Path.unlink, lambda path: path.write_text("who"), lambda path: path.write_text("")],
    ids=["one bit", "gone", "cut off", "empty"],
)
def test_a_damaged_piece_is_found_said_and_made_again(tmp_path, harm):
    ledger = opened(tmp_path / "run")
    write(ledger, "z0")
    write(ledger, "z1")
    harm(ledger.path("tiles", "z0", ".txt"))
    for one in (ledger, opened(tmp_path / "run")):
        with pytest.warns(
            DamagedPieceWarning,
            match=r"z0\.txt is not what this run wrote; the piece is made again",
        ):
            assert not one.done("tiles", "z0")
        assert one.done("tiles", "z1")
    write(one, "z0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened(tmp_path / "run").done("tiles", "z0")


def test_a_folder_may_be_a_piece_all_of_which_is_checked(tmp_path):
    whole = tmp_path / "run" / "results" / "one"
    ledger = opened(tmp_path / "run")
    whole.mkdir(parents=True)
    for name in "ab":
        (whole / name).write_text(name)
    ledger.record("results", "one", whole)
    assert opened(tmp_path / "run").done("results", "one")
    (whole / "b").write_text("c")
    with pytest.warns(DamagedPieceWarning, match=r"one is not what this run wrote"):
        assert not opened(tmp_path / "run").done("results", "one")


def test_a_line_torn_at_any_byte_costs_its_piece_only(tmp_path):
    """As if the run had been killed after each byte of its ledger."""
    ledger = Ledger(tmp_path / "run", fingerprint={})
    for key in ("z0", "z1"):
        write(ledger, key, stage="s")
    file = tmp_path / "run" / "ledger.jsonl"
    whole = file.read_bytes()
    ends = [match.end() for match in re.finditer(rb"\n", whole)]
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        after = Ledger(tmp_path / "run", fingerprint={})
        assert after.done("s", "z0") == (length >= ends[1])
        assert after.done("s", "z1") == (length >= ends[2])
        if length >= ends[0]:
            kept = max(end for end in ends if end <= length)
            assert file.read_bytes() == whole[:kept]
        else:
            assert file.read_bytes() == whole[: ends[0]]
        # What is written next is a line of its own.
        after.record("s", "z2", after.path("s", "z1", ".txt"))
        assert Ledger(tmp_path / "run", fingerprint={}).done("s", "z2")


@pytest.mark.parametrize(
    "line", [b"\0" * 50, b'{"stage": "tiles"}', b"[1, 2]", b"{", b'"text"', b"\xff"], ids=repr
)
def test_a_line_that_the_disk_damaged_costs_its_piece_only(tmp_path, line):
    ledger = opened(tmp_path / "run")
    for key in ("z0", "z1"):
        write(ledger, key)
    head, _, last = lines(tmp_path / "run")
    (tmp_path / "run" / "ledger.jsonl").write_bytes(head + line + b"\n" + last)
    after = opened(tmp_path / "run")
    assert not after.done("tiles", "z0")
    assert after.done("tiles", "z1")


def test_a_driver_killed_anywhere_goes_on(tmp_path):
    """A run that is killed after each number of written bytes, in turn, gets done in the end."""
    script = textwrap.dedent(f"""
    import os, signal, sys
    from pathlib import Path
    from gyrovox.execution import Ledger, ledger, piece_file
    left = int(sys.argv[1])
    def count(number, before=os.fsync):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        before(number)
    os.fsync = count
    run = Ledger(Path({str(tmp_path / "run")!r}), fingerprint={{"seed": 0}})
    for key in ("a", "b", "c"):
        if not run.done("tiles", key):
            with run.write("tiles", key, ".txt") as beside:
                beside.write_text(key * 100)
    """)
    codes = []
    while not codes or codes[-1]:
        done = subprocess.run([sys.executable, "-c", script, str(len(codes))], check=False)
        codes.append(done.returncode)
        assert len(codes) < 20
    assert set(codes[:-1]) == {-signal.SIGKILL}
    files = {path.name: path.read_text() for path in (tmp_path / "run" / "tiles").iterdir()}
    assert files == {f"{key}.txt": key * 100 for key in "abc"}


def test_what_a_killed_writer_left_is_removed(tmp_path):
    opened(tmp_path / "run")
    (tmp_path / "run" / "tiles").mkdir()
    (tmp_path / "run" / "tiles" / ".z0.1234abcd.partial.txt").write_text("half")
    opened(tmp_path / "run")
    assert list((tmp_path / "run" / "tiles").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, r"what differs is seed \(was 0, is 1\)\. Give the same command"),
        ({"settings": {"steps": 5, "levels": (2, 4)}}, r"settings\.steps \(was 300, is 5\)"),
        (
            {"settings": {"steps": 300, "levels": (2,)}},
            r"settings\.levels \(was \[2, 4\], is \[2\]",
        ),
        ({"settings": None}, r"settings \(was \{\"steps\": 300, \"levels\": \[2, 4\]\}, is null\)"),
        ({"mask": "a.mrc"}, r"mask \(was null, is \"a\.mrc\"\)"),
        ({"mask": None}, r"mask \(was null, is null\)"),
        ({"seed": 1, "command": "embed"}, r"command \(was \"segment\", is \"embed\"\); seed \(was"),
        ({"command": "x" * 100}, r"is \"x{56}\.\.\.\)"),
        (
            {f"a{one}": one for one in range(8)},
            r"a4 \(was null, is 4\); and 3 more\. Give the same",
        ),
    ],
)
def test_another_run_is_refused_and_told_what_differs(tmp_path, changes, message):
    write(opened(tmp_path / "run"), "z0")
    before = lines(tmp_path / "run")
    with pytest.raises(RunMismatchError, match=message):
        opened(tmp_path / "run", **changes)
    with pytest.raises(RunMismatchError, match=r"Choose another -o, or pass --overwrite"):
        opened(tmp_path / "run", **changes)
    assert lines(tmp_path / "run") == before
    assert opened(tmp_path / "run").done("tiles", "z0")


def test_a_fingerprint_may_hold_paths(tmp_path):
    opened(tmp_path / "run", model=Path("a.safetensors"))
    opened(tmp_path / "run", model=Path("a.safetensors"))
    with pytest.raises(RunMismatchError, match=r"model \(was \"a\.safetensors\", is \"b\."):
        opened(tmp_path / "run", model=Path("b.safetensors"))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"no ledger\n", "must be the ledger of a run, of version 1, and is none"),
        (b"[]\n", "and is none"),
        (b'{"version": 2, "fingerprint": {}}\n', "and is of version 2"),
        (b'{"fingerprint": {}}\n', "and is none"),
    ],
)
def test_a_file_that_is_no_ledger_is_left_alone(tmp_path, head, message):
    (tmp_path / "ledger.jsonl").write_bytes(head)
    with pytest.raises(RunMismatchError, match=f"{message}. Choose another -o, or pass --overw"):
        opened(tmp_path)
    assert lines(tmp_path) == [head]


@pytest.mark.parametrize("name", ["a/b", "..", "", ".hidden", "a b", "a\nb"])
def test_names_are_parts_of_file_names(tmp_path, name):
    ledger = opened(tmp_path / "run")
    for names in ((name, "z0"), ("tiles", name)):
        with pytest.raises(ValueError, match="stages and keys must be letters, digits and"):
            ledger.path(*names, ".txt")


def test_an_error_while_writing_records_nothing(tmp_path):
    def write_half(beside):
        beside.write_text("half")
        raise RuntimeError("injected")

    ledger = opened(tmp_path / "run")
    with (
        pytest.raises(RuntimeError, match="injected"),
        ledger.write("tiles", "z0", ".txt") as beside,
    ):
        write_half(beside)
    assert not opened(tmp_path / "run").done("tiles", "z0")
    assert list((tmp_path / "run" / "tiles").iterdir()) == []


def test_the_folder_of_a_run_must_have_a_place(tmp_path):
    with pytest.raises(MissingFileError, match=r"absent does not\. Create it"):
        opened(tmp_path / "absent" / "run")


def test_a_folder_that_may_not_be_written_is_said(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError("injected")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileAccessError, match="this user may not write there"):
        opened(tmp_path / "run")


def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(small_disk):
    ledger = opened(small_disk / "run")
    written = []

    def write_all():
        for number in range(100):
            write(ledger, f"z{number}", "x" * 100_000)
            written.append(f"z{number}")

    with pytest.raises(OutputSpaceError, match="What was finished before is kept"):
        write_all()
    assert 5 < len(written) < 11
    failed = f"z{len(written)}"
    (small_disk / "run" / "tiles" / "z0.txt").unlink()  # room for one more
    after = opened(small_disk / "run")
    assert all(after.done("tiles", key) for key in written[1:])
    assert not after.done("tiles", failed)
    write(after, failed, "x" * 100_000)
    assert after.done("tiles", failed)


def test_a_line_for_which_there_is_no_room_leaves_no_half_of_it(small_disk):
    """The disk fills up in the middle of a line; the lines after it are readable."""
    ledger = opened(small_disk / "run")
    write(ledger, "z0")
    filler = small_disk / "filler"
    path = ledger.path("tiles", "z0", ".txt")

    def fill():
        with filler.open("wb", 0) as file:
            while file.write(b"x" * 4096):
                pass

    def record_until_the_last_block_is_full():
        for number in range(1000):
            ledger.record("tiles", f"w{number}", path)

    with pytest.raises(OSError, match="No space"):
        fill()
    with pytest.raises(OutputSpaceError, match=r"ledger\.jsonl: the disk must have room"):
        record_until_the_last_block_is_full()
    assert lines(small_disk / "run")[-1].endswith(b"}\n")
    filler.unlink()
    ledger.record("tiles", "last", path)
    assert opened(small_disk / "run").done("tiles", "last")
    assert all(json.loads(line) for line in lines(small_disk / "run"))


def test_appending_waits_for_the_disk(tmp_path, monkeypatch):
    ledger = opened(tmp_path / "run")
    path = tmp_path / "piece"
    path.write_text("x")
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda number: sizes.append(os.fstat(number).st_size))
    ledger.record("tiles", "z0", path)
    assert sizes == [(tmp_path / "run" / "ledger.jsonl").stat().st_size]
