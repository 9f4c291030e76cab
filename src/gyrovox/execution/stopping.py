"""Stopping when asked to: at the next good moment, and at once when asked again."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import final


@final
class _Request:
    """A handler of signals that remembers the first one and is interrupted by the second."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self._is_made = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._is_made:
            raise KeyboardInterrupt
        self._is_made = True
        # Not sys.stderr.write: the signal may have come in the middle of one.
        with suppress(OSError, ValueError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._answer.encode())

    def is_made(self) -> bool:
        """Whether a signal has come."""
        return self._is_made


@contextmanager
def stoppable(answer: str = "") -> Iterator[Callable[[], bool]]:
    """Let long work end well when it is asked to: a context in which it can tell.

    ``with stoppable() as stop_requested:``, and now and then ``if stop_requested(): break``.

    The first SIGINT (Ctrl-C) or SIGTERM (a batch system, when time is up) is only remembered; the
    second one interrupts at once. Afterwards signals do what they did before. Within another one,
    it is that one: a request is seen by both. Outside the main thread, where Python handles no
    signals, nothing is ever requested.

    Args:
        answer: Line for the standard error when the first signal comes, so that the user knows
            that it was heard; nothing if empty.

    Yields:
        A function that says whether to stop.
    """
    if threading.current_thread() is not threading.main_thread():
        yield _never
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for outer in before.values():
        if isinstance(outer, _Request):
            yield outer.is_made
            return
    request = _Request(f"{answer}\n" if answer else "")
    # What is ignored, as under nohup, stays ignored; None is a handler that Python did not set.
    handled = [
        number for number, old in before.items() if old is not signal.SIG_IGN and old is not None
    ]
    try:
        for number in handled:
            signal.signal(number, request)
        yield request.is_made
    finally:
        for number in handled:
            signal.signal(number, before[number])


def _never() -> bool:
    return False
