"""Worker processes on this machine, each replaced when it is lost."""

import contextlib
import multiprocessing
import pickle
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TypeVar, cast, final

from gyrovox.devices import cores
from gyrovox.errors import SettingsError, WorkerLostError
from gyrovox.execution.executor import RERUNS, Executor, shown
from gyrovox.execution.worker import READY, serve

Item = TypeVar("Item")
Result = TypeVar("Result")

# Not fork: a process that has started threads, as torch does, may not be copied.
_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE_S = 5.0


@final
class Processes(Executor):
    """Several processes on this machine.

    A worker that dies, be it killed or out of memory, costs the item that it was at: that is run
    again by a new worker. Workers start when there is work for them, pay no heed to Ctrl-C, and
    die with this process, however that dies.

    Args:
        workers: How many processes, at least 1.
        threads_each: Threads that numerical libraries may use in each; by default the cores that
            there are, shared out evenly.

    Raises:
        SettingsError: If a number is less than 1.
    """

    def __init__(self, workers: int, threads_each: int | None = None) -> None:
        if workers < 1:
            raise SettingsError(f"workers must be at least 1, got {workers}.")
        if threads_each is not None and threads_each < 1:
            raise SettingsError(f"threads must be at least 1, got {threads_each}.")
        self.workers = workers
        self.threads_each = threads_each or max(1, cores() // workers)
        self._idle: list[_Worker] = []
        self._is_mapping = False

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        return self._results(pickle.dumps(task), items)

    def close(self) -> None:
        for worker in self._idle:  # all of them first: they end side by side
            worker.connection.close()
        while self._idle:
            self._idle.pop().dismiss()

    def _results(self, task: bytes, items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        if self._is_mapping:
            raise RuntimeError("an executor must finish one map before the next one begins.")
        self._is_mapping = True
        busy: dict[Connection, tuple[_Worker, int]] = {}
        waiting = deque(range(len(items)))
        losses: Counter[int] = Counter()
        answers: list[tuple[int, bytes]] = []
        try:
            while waiting or busy or answers:
                # Before the results are given out: whoever takes them may be slow.
                while waiting and len(busy) < self.workers:
                    index = waiting.popleft()
                    worker = self._set_to_work(task, pickle.dumps(items[index]))
                    busy[worker.connection] = (worker, index)
                for index, answer in answers:
                    succeeded, value = pickle.loads(answer)
                    if not succeeded:
                        raise value
                    yield index, value
                answers, lost = self._collect(busy)
                for worker, index in lost:
                    losses[index] += 1
                    if losses[index] > RERUNS:
                        raise _loss(worker, items[index])
                    waiting.appendleft(index)
        finally:
            for worker, _ in busy.values():
                worker.kill()
            self._is_mapping = False

    def _set_to_work(self, task: bytes, item: bytes) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            try:
                worker.order(task, item)
            except OSError:  # it died while it had nothing to do, which costs nobody anything
                worker.kill()
            else:
                return worker
        worker = _Worker(self.threads_each)
        # If it has died already, the end of its pipe says so, and the loss is counted.
        with contextlib.suppress(OSError):
            worker.order(task, item)
        return worker

    def _collect(
        self, busy: "dict[Connection, tuple[_Worker, int]]"
    ) -> "tuple[list[tuple[int, bytes]], list[tuple[_Worker, int]]]":
        """Wait for workers, and take them out of `busy`: their answers, and those that are lost."""
        answers, lost = [], []
        # Without anything to wait for, it would wait for ever.
        for connection in cast("list[Connection]", wait(list(busy)) if busy else []):
            worker, index = busy[connection]
            try:
                answer = connection.recv_bytes()
            except (EOFError, OSError):
                del busy[connection]
                worker.dismiss()
                lost.append((worker, index))
                continue
            if answer == READY:
                worker.has_started = True
                continue
            del busy[connection]
            self._idle.append(worker)
            answers.append((index, answer))
        return answers, lost


@final
class _Worker:
    """A process and this end of the pipe to it."""

    def __init__(self, threads: int) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.has_started = False
        self.exit_code: int | None = None
        self._task: bytes | None = None
        self._process = _SPAWN.Process(
            target=serve, args=(theirs, threads), daemon=True, name="gyrovox worker"
        )
        self._process.start()
        # The other end must be the worker's alone, or its death would not close the pipe.
        theirs.close()

    def order(self, task: bytes, item: bytes) -> None:
        """Send an item, and the task if it is not the one that the worker has."""
        news = None if task is self._task else task
        self.connection.send_bytes(pickle.dumps((news, item)))
        self._task = task

    def dismiss(self) -> None:
        """Let it end by itself, with the exit code that is its own, and make sure that it does."""
        self.connection.close()
        self._process.join(_PATIENCE_S)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self.exit_code = self._process.exitcode
        self._process.close()


def _loss(worker: _Worker, item: object) -> WorkerLostError:
    """The error for an item that no worker survives."""
    code = worker.exit_code or 0
    how = f"with exit code {code}"
    if code < 0:
        how = f"of signal {-code} ({signal.Signals(-code).name})"
    if not worker.has_started:
        return WorkerLostError(
            f"a worker process must start, and {RERUNS + 1} of them died at their start, the last "
            f"one {how}. In a script, start the work under `if __name__ == '__main__':`"
        )
    return WorkerLostError(
        f"a worker must outlive its work, and {RERUNS + 1} of them died at {shown(item)}, the last "
        f"one {how}. Where memory runs out, the system kills with SIGKILL: use fewer workers, or "
        f"a machine with more memory. What is finished is kept"
    )
