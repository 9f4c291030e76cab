import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import executor_laws as laws
import executor_tasks as tasks
import pytest

from gyrovox.devices import cores
from gyrovox.errors import SettingsError, WorkerLostError
from gyrovox.execution import Processes

LAWS = Path(laws.__file__).parent


@pytest.fixture(scope="module")
def pool():
    with Processes(2, 1) as executor:
        yield executor


@pytest.mark.parametrize(
    "law",
    [
        laws.check_every_item_is_done_once,
        laws.check_nothing_to_do_is_done,
        laws.check_the_error_of_a_task_is_raised,
        laws.check_big_things_travel,
    ],
    ids=lambda law: law.__name__,
)
def test_processes_keep_the_laws(law, pool):
    law(pool)


def test_processes_do_no_more_than_they_are_asked_for(pool, tmp_path):
    laws.check_nobody_goes_on_without_being_asked(pool, tmp_path)


def test_a_lost_worker_costs_its_item_only(pool, tmp_path):
    runs = laws.check_a_lost_worker_costs_its_item_only(pool, tmp_path)
    assert runs == [1, 4, 1, 1, 4, 1]


def test_work_that_nobody_waits_for_any_more_is_ended(pool, tmp_path, alive):
    results = pool.map(tasks.Slow(tmp_path, 0.5), [0, 1, 2, 3])
    next(results)
    results.close()
    last = max(tmp_path.glob("*.pid"), key=lambda path: path.stat().st_mtime_ns)
    assert not alive(int(last.read_text()))


def test_work_is_shared_and_workers_are_kept(pool):
    first = {process for _, process in pool.map(tasks.process_id, range(8))}
    again = {process for _, process in pool.map(tasks.process_id, range(8))}
    assert len(first) == 2
    assert again == first
    assert os.getpid() not in first


def test_an_item_that_no_worker_survives_is_named(pool, tmp_path):
    with pytest.raises(
        WorkerLostError,
        match=r"^a worker must outlive its work, and 4 of them died at 7, the last one of "
        r"signal 9 \(SIGKILL\)\. Where memory runs out.*use fewer workers",
    ):
        list(pool.map(tasks.Deadly(tmp_path, deaths=99, items=(7,)), [5, 6, 7]))
    assert len((tmp_path / "7.runs").read_text().splitlines()) == 4
    laws.check_every_item_is_done_once(pool)


def test_workers_killed_at_random_change_nothing(pool, tmp_path):
    """Killed from outside, at any moment, sometimes while idle: every result comes once."""
    results = pool.map(tasks.Slow(tmp_path, 0.05), list(range(12)))
    found = []
    for index, result in results:
        found.append((index, result))
        if index % 4 == 1:
            newest = max(tmp_path.glob("*.pid"), key=lambda path: path.stat().st_mtime_ns)
            try:
                os.kill(int(newest.read_text()), signal.SIGKILL)
            except ProcessLookupError:
                continue
    assert sorted(found) == [(index, index * index) for index in range(12)]


def test_an_idle_worker_that_dies_costs_nothing(pool, alive, until):
    for process in {process for _, process in pool.map(tasks.process_id, range(8))}:
        os.kill(process, signal.SIGKILL)
        until(lambda: not alive(process), "the worker's death")  # noqa: B023 - waited for here
    laws.check_every_item_is_done_once(pool)


def test_workers_pay_no_heed_to_ctrl_c(pool, tmp_path, until):
    set(pool.map(tasks.process_id, range(6)))  # both have started

    interrupted = set()

    def interrupt():
        until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, "both at work")
        for path in tmp_path.glob("*.pid"):
            interrupted.add(int(path.read_text()))
            os.kill(int(path.read_text()), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    found = list(pool.map(tasks.Slow(tmp_path, 0.5), [1, 2]))
    thread.join()
    assert sorted(found) == [(0, 1), (1, 4)]
    assert {int(path.read_text()) for path in tmp_path.glob("*.pid")} == interrupted


def test_an_error_says_where_it_arose(pool):
    with pytest.raises(ValueError, match="must not be two") as caught:
        list(pool.map(tasks.refuse, [2]))
    assert "In a worker process:" in caught.value.__notes__[0]
    assert "in refuse" in caught.value.__notes__[0]


def test_an_error_that_cannot_travel_is_told_in_its_words(pool):
    with pytest.raises(RuntimeError, match=r"^PeculiarError: 1 and 2"):
        list(pool.map(tasks.refuse_in_a_peculiar_way, [0]))


def test_a_result_that_cannot_travel_is_an_error(pool):
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        list(pool.map(tasks.unsendable, [0]))


def test_a_task_that_cannot_travel_is_refused_at_once(pool):
    with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
        pool.map(lambda item: item, [0])


def test_one_map_at_a_time(pool):
    first = pool.map(tasks.square, [1, 2])
    next(first)
    with pytest.raises(RuntimeError, match="must finish one map before the next one begins"):
        next(pool.map(tasks.square, [1]))
    first.close()
    laws.check_every_item_is_done_once(pool)


def test_closing_leaves_no_worker(alive, until):
    with Processes(2, 1) as executor:
        workers = {process for _, process in executor.map(tasks.process_id, range(6))}
        assert all(map(alive, workers))
    assert not any(map(alive, workers))


def test_an_error_between_two_results_leaves_no_worker(tmp_path, alive, until):
    def fail_at_the_first(executor):
        for _ in executor.map(tasks.Slow(tmp_path, 0.0), [1, 2, 3]):
            raise RuntimeError("injected")

    with pytest.raises(RuntimeError, match="injected"), Processes(2, 1) as executor:
        fail_at_the_first(executor)
    workers = {int(path.read_text()) for path in tmp_path.glob("*.pid")}
    until(lambda: not any(map(alive, workers)), "the death of the workers")


def test_threads_of_a_worker_are_limited():
    with Processes(1, 2) as executor:
        [(_, found)] = executor.map(tasks.loaded_threads, [0])
    # Two, where there are as many, though this process has but one in the tests.
    assert found["torch"] == min(2, cores())
    assert max(found.values()) == 2


def test_threads_are_shared_out_evenly():
    assert Processes(1).threads_each == cores()
    assert Processes(2).threads_each == max(1, cores() // 2)
    assert Processes(10_000).threads_each == 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [((0,), "workers must be at least 1, got 0"), ((2, 0), "threads must be at least 1, got 0")],
)
def test_numbers_that_make_no_sense_are_refused(numbers, message):
    with pytest.raises(SettingsError, match=message):
        Processes(*numbers)


def _driver(folder: Path, text: str) -> subprocess.Popen:
    script = folder / "driver.py"
    script.write_text(textwrap.dedent(text))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(LAWS), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.Popen(
        [sys.executable, str(script)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_workers_die_with_a_killed_driver_whatever_they_do(tmp_path, alive, until):
    driver = _driver(
        tmp_path,
        f"""
        from pathlib import Path
        import executor_tasks as tasks
        from gyrovox.execution import Processes

        if __name__ == "__main__":
            with Processes(3, 1) as executor:
                # The third has nothing to do any more, two wait far longer than the test.
                list(executor.map(tasks.process_id, range(3)))
                list(executor.map(tasks.Slow(Path({str(tmp_path)!r}), 600.0), [1, 2]))
        """,
    )
    until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, "both at work")
    workers = [int(path.read_text()) for path in tmp_path.glob("*.pid")]
    children = _children(driver.pid) or workers
    assert all(map(alive, workers))
    driver.kill()
    driver.wait()
    try:
        until(lambda: not any(map(alive, {*workers, *children})), "the death of the workers", 5.0)
    finally:
        for process in filter(alive, workers):
            os.kill(process, signal.SIGKILL)
        driver.communicate()


def _children(process_id: int) -> list[int]:
    path = Path(f"/proc/{process_id}/task/{process_id}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def test_a_script_without_a_guard_is_told_so(tmp_path):
    driver = _driver(
        tmp_path,
        """
        import executor_tasks as tasks
        from gyrovox.execution import Processes

        list(Processes(1, 1).map(tasks.square, [1]))
        """,
    )
    _, complaint = driver.communicate(timeout=30)
    assert driver.returncode == 1
    last = complaint.strip().splitlines()[-1]
    assert last.startswith("gyrovox.errors.WorkerLostError: a worker process must start, and 4 of")
    assert "with exit code 1. In a script, start the work under `if __name__ ==" in last
