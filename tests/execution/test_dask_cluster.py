"""The dask executor, with a real scheduler and real worker processes, some of which are killed."""

import os
import re
import signal
import stat
import sys
import textwrap
import threading
from pathlib import Path

import executor_laws as laws
import executor_tasks as tasks
import pytest

from gyrovox.errors import MissingExtraError, SchedulerError, SettingsError, WorkerLostError
from gyrovox.execution import Dask

dask = pytest.importorskip("dask", reason="needs the extra `cluster`")
distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")


@pytest.fixture(scope="module")
def settings():
    quick = {
        # After so long without its worker, dask gives a nanny up, be it about to start another.
        "distributed.deploy.lost-worker-timeout": "1h",
        # A killed worker is not called for half a minute.
        "distributed.comm.timeouts.connect": "2s",
    }
    with dask.config.set(quick):
        yield


@pytest.fixture(scope="module")
def cluster(settings):
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as started:
        yield started


@pytest.fixture(scope="module")
def workers(cluster):
    with Dask(cluster.scheduler_address) as executor:
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
def test_dask_keeps_the_laws(law, workers):
    law(workers)


def test_dask_does_no_more_than_it_is_asked_for(workers, tmp_path):
    laws.check_nobody_goes_on_without_being_asked(workers, tmp_path)


def test_work_is_shared(workers):
    found = {process for _, process in workers.map(tasks.process_id, list(range(12)))}
    assert len(found) == 2
    assert os.getpid() not in found


def test_a_worker_killed_during_the_run_changes_nothing(workers, tmp_path, until):
    def kill():
        until((tmp_path / "3.pid").exists, "the item's start")
        os.kill(int((tmp_path / "3.pid").read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    pairs = list(workers.map(tasks.Slow(tmp_path, 0.3), list(range(8))))
    killer.join()
    assert sorted(pairs) == [(index, index * index) for index in range(8)]


def test_an_item_that_takes_workers_down_is_run_again(workers, tmp_path):
    runs = laws.check_a_lost_worker_costs_its_item_only(workers, tmp_path, deaths=2)
    assert min(runs[1], runs[4]) >= 3


def test_an_item_that_no_worker_survives_is_named(workers, tmp_path):
    with pytest.raises(
        WorkerLostError,
        match=r"^a worker must outlive its work, and several died at 7, the last one at tcp://.*"
        r"give each more\. What is finished is kept",
    ):
        list(workers.map(tasks.Deadly(tmp_path, deaths=99, items=(7,)), [5, 6, 7]))
    assert len((tmp_path / "7.runs").read_text().splitlines()) == 4


def test_an_error_says_where_it_arose(workers):
    with pytest.raises(RuntimeError, match=r"^PeculiarError: 1 and 2") as caught:
        list(workers.map(tasks.refuse_in_a_peculiar_way, [0]))
    assert "in refuse_in_a_peculiar_way" in caught.value.__notes__[0]


def test_it_is_nobodys_default_client(workers):
    list(workers.map(tasks.square, [1]))
    with pytest.raises(ValueError, match="No clients found"):
        distributed.default_client()


def test_a_scheduler_must_be_there():
    with pytest.raises(
        SchedulerError,
        match=r"must be running at 'tcp://127\.0\.0\.1:9', and none answers there \(.*Start one",
    ):
        Dask("tcp://127.0.0.1:9", patience_s=0.3)


def test_an_address_must_be_one():
    with pytest.raises(SchedulerError, match="must be running at 'nowhere at all'"):
        Dask("nowhere at all", patience_s=0.3)


def test_a_scheduler_must_have_workers(cluster):
    with (
        # On the loop that runs already: where the machine stands still, another one may not start.
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0", loop=cluster.loop
        ) as empty,
        Dask(empty.scheduler_address, patience_s=0.3) as executor,
        pytest.raises(
            SchedulerError, match=r"must have a worker, and has had none for 0\.3 s\. Sta"
        ),
    ):
        list(executor.map(tasks.square, [1, 2]))


def test_a_scheduler_must_stay(cluster, tmp_path, until):
    lost = distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        loop=cluster.loop,
    )

    def close():
        until((tmp_path / "1.pid").exists, "the item's start")
        lost.close()

    closer = threading.Thread(target=close)
    with Dask(lost.scheduler_address, patience_s=2.0) as executor:
        closer.start()
        with pytest.raises(SchedulerError, match=r"the dask scheduler must .*finished is kept"):
            list(executor.map(tasks.Slow(tmp_path, 0.5), list(range(20))))
    closer.join()


@pytest.mark.parametrize(
    ("module", "name"),
    [("distributed", "dask.distributed"), ("dask_jobqueue", "dask-jobqueue")],
)
def test_what_is_not_installed_is_named(monkeypatch, module, name):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingExtraError,
        match=rf"^a dask scheduler needs {name}, which is not installed\. Install it with "
        r"`pip install 'gyrovox\[cluster\]'`, or leave --scheduler out",
    ):
        Dask.on_slurm(1)


def test_a_number_of_jobs_that_makes_no_sense_is_refused():
    with pytest.raises(SettingsError, match="workers must be at least 1, got 0"):
        Dask.on_slurm(0)


SBATCH = """\
#!/bin/bash
cp "$1" {folder}/job.$$
nohup setsid bash {folder}/job.$$ > {folder}/job.$$.log 2>&1 < /dev/null &
echo $! >> {folder}/jobs
echo "Submitted batch job $!"
"""
SCANCEL = """\
#!/bin/bash
for job in "$@"; do kill -9 -- -"$job" 2> /dev/null; echo "$job" >> {folder}/cancelled; done
exit 0
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """SLURM's two commands, made of bash: a job is a process group on this machine."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(text.format(folder=tmp_path))
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    paths = [str(Path(laws.__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    yield tmp_path
    for job in (tmp_path / "jobs").read_text().split():
        try:
            os.killpg(int(job), signal.SIGKILL)
        except ProcessLookupError:
            continue


@pytest.mark.slow
def test_slurm_jobs_are_workers_and_a_lost_one_is_submitted_again(slurm, settings, alive, until):
    asked = {
        "distributed.deploy.lost-worker-timeout": "1s",
        "jobqueue.slurm.cores": 3,
        "jobqueue.slurm.memory": "2 GB",
        "jobqueue.slurm.walltime": "01:00:00",
        "jobqueue.slurm.queue": "short",
        "jobqueue.slurm.interface": "lo",
        "jobqueue.slurm.local-directory": str(slurm),
    }
    pytest.importorskip("dask_jobqueue", reason="needs the extra `cluster`")
    with dask.config.set(asked), Dask.on_slurm(2) as executor:
        laws.check_every_item_is_done_once(executor)
        until(lambda: len((slurm / "jobs").read_text().split()) == 2, "two jobs")
        first = (slurm / "jobs").read_text().split()[0]
        os.killpg(int(first), signal.SIGKILL)
        until(lambda: len((slurm / "jobs").read_text().split()) == 3, "a third job", 30.0)
        laws.check_every_item_is_done_once(executor)
    jobs = [int(job) for job in (slurm / "jobs").read_text().split()]
    until(lambda: not any(map(alive, jobs)), "the end of the jobs")
    script = next(slurm.glob("job.*[0-9]")).read_text()
    for line in (
        "#SBATCH -p short",
        "#SBATCH --cpus-per-task=3",
        "#SBATCH --mem=2G",
        "#SBATCH -t 01:00:00",
        "export OMP_NUM_THREADS=3",
    ):
        assert re.search(f"^{re.escape(line)}$", script, re.MULTILINE), textwrap.indent(
            script, "  "
        )
    assert "--nthreads 1" in script
