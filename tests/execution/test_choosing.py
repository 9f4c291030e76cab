import pytest

from gyrovox.errors import SettingsError
from gyrovox.execution import Dask, Processes, Serial, choosing, executor


def test_one_worker_is_this_process():
    assert isinstance(executor(), Serial)
    assert isinstance(executor(1), Serial)


def test_several_workers_are_processes():
    chosen = executor(3, threads_each=2)
    assert isinstance(chosen, Processes)
    assert (chosen.workers, chosen.threads_each) == (3, 2)


def test_a_scheduler_is_dask(monkeypatch):
    asked = []

    class Recorded:
        def __new__(cls, address):
            asked.append(address)
            return Serial()

        @staticmethod
        def on_slurm(workers):
            asked.append(workers)
            return Serial()

    monkeypatch.setattr(choosing, "Dask", Recorded)
    executor(4, "slurm")
    executor(4, "tcp://node1:8786")
    executor(1, "tls://node1:8786")
    assert asked == [4, "tcp://node1:8786", "tls://node1:8786"]
    assert choosing.Dask is not Dask


@pytest.mark.parametrize("scheduler", ["SLURM", "node1:8786", "http://node1", ""])
def test_a_scheduler_must_be_one(scheduler):
    with pytest.raises(
        SettingsError,
        match="scheduler must be 'slurm' or the address of a dask scheduler, such as "
        f"tcp://node1:8786, got '{scheduler}'",
    ):
        executor(2, scheduler)


@pytest.mark.parametrize("scheduler", [None, "slurm", "tcp://node1:8786"])
def test_there_must_be_a_worker(scheduler):
    with pytest.raises(SettingsError, match="workers must be at least 1, got 0"):
        executor(0, scheduler)
