import pickle
import signal
import threading
from multiprocessing import Pipe

import executor_tasks as tasks
import pytest

from gyrovox.errors import VolumeError
from gyrovox.execution import worker
from gyrovox.execution.worker import READY, portable, serve


@pytest.fixture
def pipe(monkeypatch):
    """A worker in a thread of this process, as far as that can be one."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker, "_THREAD_VARIABLES", ())
    monkeypatch.setattr(worker, "_limit_what_is_loaded", lambda _threads: None)
    ours, theirs = Pipe()
    thread = threading.Thread(target=serve, args=(theirs, 1))
    thread.start()
    assert ours.recv_bytes() == READY
    yield ours
    ours.close()
    thread.join(5)
    assert not thread.is_alive()
    theirs.close()


def ask(pipe, task, item):
    pipe.send_bytes(pickle.dumps((task, pickle.dumps(item))))
    return pickle.loads(pipe.recv_bytes())


def test_a_worker_keeps_its_task_until_it_gets_another(pipe):
    assert ask(pipe, pickle.dumps(tasks.square), 3) == (True, 9)
    assert ask(pipe, None, 4) == (True, 16)
    succeeded, error = ask(pipe, pickle.dumps(tasks.refuse), 2)
    assert not succeeded
    assert str(error) == "2 must not be two"
    assert ask(pipe, pickle.dumps(tasks.square), 5) == (True, 25)


def test_a_task_that_cannot_be_read_is_an_error_and_not_the_end(pipe):
    succeeded, error = ask(pipe, b"cno_such_module\nf\n.", 3)
    assert not succeeded
    assert isinstance(error, ModuleNotFoundError)
    assert ask(pipe, pickle.dumps(tasks.square), 5) == (True, 25)


def caught(error):
    try:
        raise error
    except type(error) as same:
        return same


def test_an_error_travels_with_its_trace():
    back = pickle.loads(pickle.dumps(portable(caught(VolumeError("it must be 3-D")))))
    assert type(back) is VolumeError
    assert str(back) == "it must be 3-D"
    assert "in caught" in back.__notes__[0]


def test_an_error_that_would_change_on_the_way_keeps_its_words():
    back = pickle.loads(pickle.dumps(portable(caught(tasks.RewordedError("four")))))
    assert type(back) is RuntimeError
    assert str(back) == "RewordedError: it must be three and is four"


def test_an_error_that_cannot_be_made_again_keeps_its_words():
    back = pickle.loads(pickle.dumps(portable(caught(tasks.PeculiarError(1, 2)))))
    assert type(back) is RuntimeError
    assert str(back) == "PeculiarError: 1 and 2"
    assert "in caught" in back.__notes__[0]
