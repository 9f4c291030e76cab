import os
import signal
import subprocess
import sys
import textwrap

import pytest

from gyrovox.errors import MissingFileError, RunLockedError
from gyrovox.execution import exclusive

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")


def holder(folder, then="print('held', flush=True); import time; time.sleep(600)"):
    script = f"""
    from pathlib import Path
    from gyrovox.execution import exclusive
    with exclusive(Path({str(folder)!r})):
        {then}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_folder_is_free_before_and_after_and_nothing_is_left_in_it(tmp_path):
    for _ in range(2):
        with exclusive(tmp_path / "run"):
            assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]
        assert list((tmp_path / "run").iterdir()) == []


def test_the_second_run_is_refused_told_who_holds_it_and_a_kill_lets_go(tmp_path):
    folder = tmp_path / "run"
    first = holder(folder)
    assert first.stdout.readline() == "held\n"
    with (
        pytest.raises(
            RunLockedError,
            match=rf"run: one run at a time may write there, and process {first.pid} on \S+, since "
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*, does\. Wait for it, stop it, or choose another -o",
        ),
        exclusive(folder),
    ):
        pytest.fail("two runs at once")
    first.kill()
    first.communicate()
    with exclusive(folder):
        assert f"process {os.getpid()} on" in (folder / "lock").read_text()
    assert list(folder.iterdir()) == []


def test_the_same_process_is_refused_too(tmp_path):
    with (
        exclusive(tmp_path),
        pytest.raises(RunLockedError, match=f"process {os.getpid()} on"),
        exclusive(tmp_path),
    ):
        pytest.fail("two runs at once")


def test_an_error_lets_go(tmp_path):
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        _ = 1 / 0
    with exclusive(tmp_path):
        pass


def test_a_folder_that_gets_its_name_in_the_end_keeps_no_lock(tmp_path):
    with exclusive(tmp_path / "run"):
        (tmp_path / "run" / "labels").write_text("x")
        (tmp_path / "run").rename(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["labels"]


def test_a_folder_that_is_removed_is_no_trouble(tmp_path):
    with exclusive(tmp_path / "run"):
        (tmp_path / "run" / "lock").unlink()
        (tmp_path / "run").rmdir()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_the_next_one_is_not_taken_away(tmp_path):
    """The folder is thrown away and made anew by another run while the first one still ends."""
    with exclusive(tmp_path):
        (tmp_path / "lock").unlink()
        second = exclusive(tmp_path)
        second.__enter__()
    assert (tmp_path / "lock").exists()
    with pytest.raises(RunLockedError, match="one run at a time"), exclusive(tmp_path):
        pytest.fail("two runs at once")
    second.__exit__(None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_of_many_at_once_one_writes_at_a_time(tmp_path):
    """Processes that race for the lock: whoever holds it finds the folder as it left it."""
    script = f"""
    from pathlib import Path
    from gyrovox.errors import RunLockedError
    from gyrovox.execution import exclusive
    import time
    end, entered = time.monotonic() + 1.0, 0
    place = Path({str(tmp_path)!r}) / "inside"
    while time.monotonic() < end:
        try:
            with exclusive(Path({str(tmp_path)!r}) / "run"):
                place.mkdir()
                entered += 1
                place.rmdir()
        except RunLockedError:
            pass
    print(entered)
    """
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [racer.communicate(timeout=60) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], said
    assert sum(int(out) for out, _ in said) > 10


def test_a_holder_that_has_not_said_who_it_is_is_another_process(tmp_path):
    import fcntl

    number = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(number, fcntl.LOCK_EX)
    with pytest.raises(RunLockedError, match="and another process does"), exclusive(tmp_path):
        pytest.fail("two runs at once")
    os.close(number)


def test_the_folder_of_a_run_must_have_a_place(tmp_path):
    with (
        pytest.raises(MissingFileError, match="Create it"),
        exclusive(tmp_path / "absent" / "run"),
    ):
        pytest.fail("there is no folder")


def test_a_polite_kill_takes_the_lock_away(tmp_path):
    first = holder(tmp_path, "print('held', flush=True); __import__('signal').pause()")
    assert first.stdout.readline() == "held\n"
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=20)
    assert list(tmp_path.iterdir()) == []
