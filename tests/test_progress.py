"""How far a piece of work has come."""

import io
import subprocess
import sys

import pytest

from gyrovox.progress import (
    BarProgress,
    LineProgress,
    SilentProgress,
    duration,
    progress,
    quantity,
    stopwatch,
    track,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_quiet_shows_nothing():
    stream = Terminal()
    with progress("train", 3, quiet=True, stream=stream) as shown:
        shown.advance(3, loss=1.0)
    assert isinstance(shown, SilentProgress)
    assert not stream.getvalue()


def test_a_terminal_gets_a_bar_with_rate_and_facts():
    stream = Terminal()
    with progress("train", 3, unit="steps", stream=stream) as shown:
        shown.advance(3, loss=0.123456)
    assert isinstance(shown, BarProgress)
    for words in ("train", "3/3 steps", "steps/s", "loss 0.123"):
        assert words in stream.getvalue()


def test_a_bar_without_a_total_counts():
    stream = Terminal()
    with progress("read", unit="files", stream=stream) as shown:
        shown.advance(2)
    assert "2 files" in stream.getvalue()


def test_elsewhere_lines_come_at_most_once_an_interval():
    clock, stream = Clock(), io.StringIO()
    with LineProgress(
        "train", 80, unit="steps", stream=stream, interval_s=5.0, clock=clock
    ) as shown:
        for _ in range(80):
            clock.now += 0.125
            shown.advance(loss=0.5, best=2)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "train: 40/80 steps (50 %), 8 steps/s, 5.0 s left, loss 0.5, best 2"
    assert lines[-1] == "train: 80 steps in 10 s, loss 0.5, best 2"
    assert len(lines) <= 3


def test_an_interrupted_piece_of_work_does_not_say_it_is_done():
    stream = io.StringIO()

    def interrupted():
        with progress("train", 3, stream=stream) as shown:
            shown.advance()
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        interrupted()
    assert not stream.getvalue()


def test_lines_and_bars_go_to_the_standard_error(capsys):
    assert list(track([1, 2], "read", 2, unit="files")) == [1, 2]
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.startswith("read: 2 files in 0.")


def test_a_stopwatch_adds_up_even_when_the_block_fails():
    timings: dict[str, float] = {"train": 100.0}

    def fails():
        with stopwatch(timings, "train"):
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        fails()
    with stopwatch(timings, "embed"):
        pass
    assert 100.0 < timings["train"] < 101.0
    assert 0 <= timings["embed"] < 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.254, "0.25"),
        (7, "7"),
        (12.34, "12"),
        (999, "999"),
        (9999, "9999"),
        (125000, "125 k"),
        (1.953e6, "1.95 M"),
        (2e9, "2 G"),
        (3e12, "3 T"),
    ],
)
def test_quantities_have_three_digits(value, shown):
    assert quantity(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.42, "0.4 s"),
        (12, "12 s"),
        (59.7, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_read_as_a_person_says_them(seconds, shown):
    assert duration(seconds) == shown


def test_importing_it_loads_neither_torch_nor_rich():
    code = "import sys, gyrovox.progress; assert not {'torch', 'rich', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
