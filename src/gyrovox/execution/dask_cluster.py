"""Workers on many machines, through `dask.distributed`; needs the extra `cluster`."""

import itertools
import math
import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar, cast, final

from gyrovox.errors import MissingExtraError, SchedulerError, SettingsError, WorkerLostError
from gyrovox.execution.executor import Executor, shown
from gyrovox.execution.worker import portable

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster
    from distributed import Client, Future

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_AROUND_S = 1.0
_CORES = 4
_MEMORY = "16 GB"


@final
class Dask(Executor):
    """The workers of a dask scheduler.

    Workers may come and go while it runs; one that is lost costs the items that it was at, which
    the scheduler gives to others: by its own settings an item that took down four is given up.
    Let each worker run one task at a time (`dask worker --nthreads 1`): numerical libraries bring
    threads of their own.

    Args:
        address: Where the scheduler is, such as ``tcp://node1:8786``.
        patience_s: How long to wait for the scheduler, and, at any time, for it to have a worker;
            in seconds.

    Raises:
        MissingExtraError: If dask is not installed.
        SchedulerError: If no scheduler answers there.
    """

    def __init__(self, address: str, *, patience_s: float = 60.0) -> None:
        distributed = _distributed()
        self._cluster: SLURMCluster | None = None
        self._patience_s = patience_s
        try:
            # Long waiting is for workers; a scheduler that is there answers soon.
            self._client: Client = distributed.Client(
                address, timeout=min(patience_s, 10.0), set_as_default=False
            )
        except (OSError, ValueError) as error:  # ValueError: no address at all
            raise SchedulerError(
                f"a dask scheduler must be running at {address!r}, and none answers there "
                f"({_said(error)}). Start one with `dask scheduler`, and workers with `dask worker`"
            ) from error

    @classmethod
    def on_slurm(cls, workers: int) -> "Dask":
        """Workers that are SLURM jobs, submitted from here and kept up to their number.

        Queue, account, walltime, cores and memory of a job are those of `jobqueue.slurm` in
        dask's configuration; without them, a job asks for 4 cores and 16 GB. Jobs that have to
        wait in the queue are waited for.

        Args:
            workers: How many jobs, at least 1.

        Returns:
            The executor; closing it ends the jobs.

        Raises:
            MissingExtraError: If dask or dask-jobqueue is not installed.
            SettingsError: If ``workers`` is less than 1.
        """
        _distributed()
        if workers < 1:
            raise SettingsError(f"workers must be at least 1, got {workers}.")
        try:
            import dask
            from dask_jobqueue import SLURMCluster
        except ImportError as error:
            raise MissingExtraError(_missing("dask-jobqueue")) from error
        settings = dask.config.get("jobqueue.slurm", {})
        cores = int(settings.get("job-cpu") or settings.get("cores") or _CORES)
        prologue = [*(settings.get("job-script-prologue") or [])]
        cluster = SLURMCluster(
            # One task at a time, which computes with all cores of the job.
            cores=1,
            processes=1,
            job_cpu=cores,
            memory=settings.get("memory") or _MEMORY,
            job_script_prologue=[*prologue, f"export OMP_NUM_THREADS={cores}"],
            # Any port: that of another user's scheduler on the same login node is not free.
            scheduler_options={
                "dashboard_address": ":0",
                **(settings.get("scheduler-options") or {}),
            },
        )
        cluster.adapt(minimum=workers, maximum=workers)
        made = cls(cluster.scheduler_address, patience_s=math.inf)
        made._cluster = cluster
        return made

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        return self._results(pickle.dumps(task), items)

    def close(self) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _results(self, task: bytes, items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        run = f"gyrovox-{uuid.uuid4().hex[:8]}"
        waiting = iter(range(len(items)))
        busy: dict[Future, int] = {}
        answers: list[tuple[int, bool, object]] = []
        while True:
            # No more than can be run at once: dask blames the death of a worker on all that it
            # has been given. Before results are given out: whoever takes them may be slow.
            room = max(self._threads() - len(busy), 0)
            for index in itertools.islice(waiting, room):
                work = task, pickle.dumps(items[index])
                busy[self._client.submit(_done, *work, key=(run, index), pure=False)] = index
            for index, succeeded, value in answers:
                if not succeeded:
                    raise cast(Exception, value)
                yield index, cast(Result, value)
            if not busy:
                return
            answers = []
            for future in self._finished(list(busy)):
                index = busy.pop(future)
                answers.append((index, *_answer(future, items[index])))

    def _threads(self) -> int:
        """Threads of all workers there are; waits for the first one.

        Raises:
            SchedulerError: If none comes.
        """
        until = time.monotonic() + self._patience_s
        while True:
            with _scheduler_there():
                threads: int = sum(self._client.nthreads().values())
            if threads:
                return threads
            if time.monotonic() > until:
                raise SchedulerError(
                    f"the dask scheduler must have a worker, and has had none for "
                    f"{self._patience_s:g} s. Start some with `dask worker ADDRESS --nthreads 1`. "
                    f"What is finished is kept"
                )
            time.sleep(min(_LOOK_AROUND_S, self._patience_s))

    def _finished(self, futures: "list[Future]") -> "set[Future]":
        """Those that are finished, after a while at most: the workers may all have gone."""
        # `wait` asks for a current client, and this one is no default: users may have theirs.
        with _scheduler_there(), self._client.as_current():
            try:
                found = _distributed().wait(
                    futures, timeout=_LOOK_AROUND_S, return_when="FIRST_COMPLETED"
                )
            except TimeoutError:
                return set()
        return set(found.done)


def _done(task: bytes, item: bytes) -> tuple[bool, object]:
    """What a worker does; its errors are results, so that dask does not try to be helpful."""
    try:
        return True, pickle.loads(task)(pickle.loads(item))
    except Exception as error:
        return False, portable(error)


def _answer(future: "Future", item: object) -> tuple[bool, object]:
    """What `_done` made of an item.

    Raises:
        WorkerLostError: If it took down its workers.
    """
    with _scheduler_there():
        try:
            succeeded, value = future.result()
        except _distributed().KilledWorker as error:
            raise WorkerLostError(
                f"a worker must outlive its work, and several died at {shown(item)}, the last "
                f"one at {error.last_worker.address}. Where memory runs out, workers are killed: "
                f"give each more. What is finished is kept"
            ) from error
    return succeeded, value


@contextmanager
def _scheduler_there() -> Iterator[None]:
    """Say in gyrovox's words that the scheduler went away.

    Raises:
        SchedulerError: If it did.
    """
    try:
        yield
    except (OSError, CancelledError) as error:
        raise SchedulerError(
            f"the dask scheduler must stay while work goes on, and was lost ({_said(error)}). "
            f"Start it again and give the same command: what is finished is kept"
        ) from error


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__


def _distributed() -> ModuleType:
    """`dask.distributed`, which only the extra `cluster` installs.

    Raises:
        MissingExtraError: If it is not there.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingExtraError(_missing("dask.distributed")) from error
    module: ModuleType = distributed
    return module


def _missing(name: str) -> str:
    return (
        f"a dask scheduler needs {name}, which is not installed. "
        f"Install it with `pip install 'gyrovox[cluster]'`, or leave --scheduler out"
    )
