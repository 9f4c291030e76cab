"""Which executor a command line asks for."""

from gyrovox.errors import SettingsError
from gyrovox.execution.dask_cluster import Dask
from gyrovox.execution.executor import Executor, Serial
from gyrovox.execution.processes import Processes

SLURM = "slurm"
_PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")


def executor(
    workers: int = 1, scheduler: str | None = None, *, threads_each: int | None = None
) -> Executor:
    """The executor for a number of workers, here or where a scheduler has them.

    Args:
        workers: How many: this process alone if 1, several processes here if more, so many jobs
            with ``slurm``. A dask scheduler has the workers that it has.
        scheduler: None for this machine, ``"slurm"`` for SLURM jobs, or the address of a dask
            scheduler, such as ``"tcp://node1:8786"``.
        threads_each: Threads that numerical libraries may use in each of several processes here.

    Returns:
        The executor, to be used in a `with`.

    Raises:
        SettingsError: If ``workers`` is less than 1, or ``scheduler`` is no address.
        MissingExtraError: If a scheduler is asked for and dask is not installed.
        SchedulerError: If no scheduler answers there.
    """
    if workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}.")
    if scheduler == SLURM:
        return Dask.on_slurm(workers)
    if scheduler is not None:
        if not scheduler.startswith(_PROTOCOLS):
            raise SettingsError(
                f"scheduler must be 'slurm' or the address of a dask scheduler, such as "
                f"tcp://node1:8786, got {scheduler!r}."
            )
        return Dask(scheduler)
    if workers == 1:
        return Serial()
    return Processes(workers, threads_each)
