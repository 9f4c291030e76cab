"""What every executor keeps to, whatever computes."""

from pathlib import Path

import executor_tasks as tasks
import pytest

from gyrovox.execution import Executor


def check_every_item_is_done_once(executor: Executor) -> None:
    items = list(range(17))
    pairs = list(executor.map(tasks.square, items))
    assert sorted(pairs) == [(index, index * index) for index in items]


def check_nothing_to_do_is_done(executor: Executor) -> None:
    assert list(executor.map(tasks.square, [])) == []


def check_the_error_of_a_task_is_raised(executor: Executor) -> None:
    with pytest.raises(ValueError, match=r"^2 must not be two"):
        list(executor.map(tasks.refuse, [1, 2, 3]))


def check_nobody_goes_on_without_being_asked(executor: Executor, folder: Path) -> None:
    """Results are taken while there is need for them; then the executor is ready for more."""
    results = executor.map(tasks.Slow(folder, 0.01), list(range(100)))
    assert {next(results)[0] for _ in range(3)} < set(range(100))
    results.close()
    assert len(list(folder.glob("*.pid"))) < 50
    check_every_item_is_done_once(executor)


def check_big_things_travel(executor: Executor) -> None:
    items = [bytes([value]) * 3_000_000 for value in range(4)]
    for index, result in executor.map(tasks.Large(3_000_000), items):
        assert result == items[index]


def check_a_lost_worker_costs_its_item_only(
    executor: Executor, folder: Path, *, deaths: int = 3
) -> list[int]:
    """Two items take down a worker each time they are run, at first; yet all results come.

    Returns how often each item was run.
    """
    task = tasks.Deadly(folder, deaths=deaths, items=(1, 4))
    pairs = list(executor.map(task, list(range(6))))
    assert sorted(pairs) == [(index, index * index) for index in range(6)]
    return [len((folder / f"{item}.runs").read_text().splitlines()) for item in range(6)]
