"""What a worker process does: take an item, answer with a result, and die with its parent."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from gyrovox.devices import limit_threads, share_processors

READY = b"ready"
"""What a worker says first: that it has started."""

# Read by OpenMP, OpenBLAS, MKL and Accelerate when they are loaded.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def serve(connection: Connection, threads: int) -> None:
    """Answer what comes through the pipe until it is closed.

    An order is ``(task, item)``, both pickled; a task of None is that of the order before. An
    answer is ``(True, result)`` or ``(False, error)``, pickled.

    Args:
        connection: The worker's end of the pipe.
        threads: Threads that numerical libraries may use in this process.
    """
    # Ctrl-C goes to the parent and its workers alike; it is the parent that decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    share_processors()
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(threads)
    connection.send_bytes(READY)
    task: Callable[[object], object] | None = None
    while True:
        try:
            order = connection.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            task_bytes, item = pickle.loads(order)
            if task_bytes is not None or task is None:
                task = pickle.loads(task_bytes)
                _limit_what_is_loaded(threads)
            answer = pickle.dumps((True, task(pickle.loads(item))))
        except Exception as error:
            answer = pickle.dumps((False, portable(error)))
        try:
            connection.send_bytes(answer)
        except OSError:  # the parent has closed the pipe
            return


def portable(error: Exception) -> Exception:
    """An error that reads the same in another process.

    Args:
        error: An error that was raised and caught.

    Returns:
        The error itself with its traceback as a note, or, if it cannot be pickled, a
        RuntimeError of the same words.
    """
    trace = "".join(traceback.format_exception(error))
    try:
        back = pickle.loads(pickle.dumps(error))
        travels = type(back) is type(error) and str(back) == str(error)
    except Exception:  # what a foreign class does when it is pickled is its own affair
        travels = False
    # An error that its `__init__` cannot make again would break the reader of the pipe.
    carried = error if travels else RuntimeError(f"{type(error).__name__}: {error}")
    carried.add_note(f"In a worker process:\n{trace}")
    return carried


def _leave_with_the_parent() -> None:
    """End this process as soon as its parent has ended, in whatever way and whatever it does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _limit_what_is_loaded(threads: int) -> None:
    """Limit the libraries that were loaded before the variables were set."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    threadpool_limits(threads)
    if "torch" in sys.modules:
        limit_threads(threads)
