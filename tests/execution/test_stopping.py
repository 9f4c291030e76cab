import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from gyrovox.execution import stoppable

NUMBERS = [signal.SIGINT, signal.SIGTERM]


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_is_remembered_and_the_second_interrupts(number):
    with stoppable() as stop_requested:
        assert not stop_requested()
        send(number)
        assert stop_requested()
        with pytest.raises(KeyboardInterrupt):
            send(number)
        assert stop_requested()


def test_two_different_signals_are_two():
    with stoppable():
        send(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


@pytest.mark.parametrize("number", NUMBERS)
def test_afterwards_signals_do_what_they_did_before(number):
    heard = []
    before = signal.signal(number, lambda *_: heard.append(number))
    try:
        with stoppable():
            send(number)
        assert not heard
        send(number)
        assert heard == [number]
    finally:
        signal.signal(number, before)


def test_a_request_is_seen_inside_and_outside():
    with stoppable() as outer:
        with stoppable() as inner:
            assert not inner()
            send(signal.SIGINT)
            assert inner()
        assert outer()
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_the_next_work_starts_unasked():
    with stoppable():
        send(signal.SIGINT)
    with stoppable() as stop_requested:
        assert not stop_requested()


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as stop_requested:
            send(signal.SIGINT)
            send(signal.SIGINT)
            assert not stop_requested()
            send(signal.SIGTERM)
            with stoppable() as inner:
                assert inner()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_requested_or_changed():
    before = [signal.getsignal(number) for number in NUMBERS]
    answers = []

    def work():
        with stoppable() as stop_requested:
            answers.append(stop_requested())
            answers.append([signal.getsignal(number) for number in NUMBERS] == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False, True]


def test_the_user_is_told_once_that_it_was_heard():
    script = """
    import os, signal
    from gyrovox.execution import stoppable
    with stoppable("stopping after this step") as stop_requested:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            pass
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=True, capture_output=True, text=True
    )
    assert done.stderr == "stopping after this step\n"
