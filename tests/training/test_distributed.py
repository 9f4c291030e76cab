import itertools
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import shared_training
import torch

from gyrovox.errors import SettingsError, WorkerLostError
from gyrovox.training import current_group, own_device, process_group
from gyrovox.training.distributed import ProcessGroup, check_shares

PROGRAM = Path(shared_training.__file__)
KINDS = ["dense", "patch"]


def torchrun(*words, processes=2):
    """What torchrun does, on this machine, at a port that is free."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), *map(str, words)),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def left_by(folder, rank):
    size, *columns = json.loads((folder / f"rank-{rank}.json").read_text())
    assert size == 2
    return torch.load(folder / f"rank-{rank}.pt"), columns


def check_same(found, expected):
    """The same parameters and the same record, to the bit."""
    (parameters, columns), (wanted, wanted_columns) = found, expected
    assert columns == wanted_columns
    assert parameters.keys() == wanted.keys()
    for name, value in wanted.items():
        assert torch.equal(parameters[name], value), name


@pytest.fixture(scope="module", params=KINDS)
def alone(request):
    """What one process leaves that takes the same batches."""
    vae, record = shared_training.trained(request.param)
    return request.param, (vae.state_dict(), list(record.columns().values()))


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two processes leave, of both kinds: to start them takes longer than to train."""
    folder = tmp_path_factory.mktemp("together")
    done = torchrun(PROGRAM, ",".join(KINDS), folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_two_processes_end_with_the_model_of_one_at_the_same_batches(alone, together):
    kind, expected = alone
    check_same(left_by(together / kind, 0), left_by(together / kind, 1))
    # Sums of two numbers have no order: not only within noise, but equal.
    check_same(left_by(together / kind, 0), expected)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """What two processes leave of which one was killed: the one that leads, or the other."""
    folder = tmp_path_factory.mktemp("killed")
    for rank, kind in enumerate(KINDS):
        done = torchrun(PROGRAM, kind, folder, "die", rank, 4)
        assert done.returncode != 0
        assert "SIGKILL" in done.stderr
        assert not list((folder / kind).glob("rank-*"))
        assert (folder / kind / "checkpoint.safetensors").stat().st_size > 0
    return folder


@pytest.fixture(scope="module")
def gone_on(killed, tmp_path_factory):
    """What two processes leave that go on after that."""
    folder = shutil.copytree(killed, tmp_path_factory.mktemp("gone-on") / "copy")
    done = torchrun(PROGRAM, ",".join(KINDS), folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("own", [0, 1])
def test_processes_of_which_one_was_killed_go_on_to_the_same_model(alone, gone_on, own):
    kind, expected = alone
    check_same(left_by(gone_on / kind, own), expected)


@pytest.mark.slow
def test_one_process_goes_on_from_where_two_were_stopped(alone, killed, tmp_path):
    kind, expected = alone
    folder = shutil.copytree(killed / kind, tmp_path / "copy")
    vae, record = shared_training.trained(kind, folder / "checkpoint.safetensors")
    check_same((vae.state_dict(), list(record.columns().values())), expected)


@pytest.mark.slow
def test_if_one_process_is_told_to_stop_all_do_after_the_same_step(tmp_path):
    done = torchrun(PROGRAM, "dense", tmp_path, "stop", 1, 3)
    assert done.returncode == 0, done.stderr
    check_same(left_by(tmp_path / "dense", 0), left_by(tmp_path / "dense", 1))
    assert [len(column) for column in left_by(tmp_path / "dense", 0)[1]] == [3] * 4


@pytest.mark.slow
def test_a_step_that_cannot_be_shared_evenly_is_refused_by_every_process(tmp_path):
    done = torchrun(PROGRAM, "dense", tmp_path, processes=3)
    assert done.returncode != 0
    assert "training.batches must be a multiple of the number of processes, 3, and is 2" in (
        done.stderr
    )


@pytest.mark.parametrize("call", ["total", "gathered", "of_leader", "add_gradients"])
def test_that_another_process_is_gone_is_said_in_plain_words(call, monkeypatch):
    def closed(*_, **__):
        raise RuntimeError("Connection closed by peer\nC++ stack")

    for name in ("all_reduce", "all_gather_object", "broadcast_object_list"):
        monkeypatch.setattr(torch.distributed, name, closed)
    value = {"total": [1.0], "add_gradients": torch.nn.Linear(1, 1)}.get(call, "x")
    with pytest.raises(WorkerLostError, match=r"alive, .* gone: Connection closed by peer. Start"):
        getattr(ProcessGroup(0, 2), call)(value)


def test_batches_are_shared_out_once_each():
    shares = [list(ProcessGroup(rank, 3).share(12)) for rank in range(3)]
    assert sorted(itertools.chain(*shares)) == list(range(12))
    assert {len(share) for share in shares} == {4}


@pytest.mark.parametrize(
    ("batches", "size", "fitting"), [(1, 2, 2), (3, 2, 4), (4, 3, 6), (2, 8, 8)]
)
def test_what_cannot_be_shared_evenly_is_refused(batches, size, fitting):
    with pytest.raises(SettingsError, match=rf"{size}, and is {batches}. .*batches {fitting};"):
        check_shares(batches, ProcessGroup(0, size))


@pytest.mark.parametrize(("batches", "size"), [(1, 1), (3, 1), (2, 2), (8, 4)])
def test_what_can_be_shared_evenly_is_not(batches, size):
    check_shares(batches, ProcessGroup(0, size))


def test_one_process_is_a_group_of_its_own(monkeypatch):
    # As batch systems set them, without torchrun.
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "7")
    with process_group() as group:
        assert group == current_group() == ProcessGroup(0, 1)
    assert group.leads
    assert not ProcessGroup(1, 2).leads
    assert group.total([1.5, math.nan])[0] == 1.5
    assert group.of_leader("x") == "x"
    assert group.gathered("x") == ["x"]
    layer = torch.nn.Linear(2, 1)
    group.add_gradients(layer)
    assert layer.weight.grad is None


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:1"])
def test_without_torchrun_a_device_is_the_one_that_was_asked_for(name):
    assert own_device(name) == name


class TestUnderTorchrunWithTwoGpus:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch):
        for name, value in {
            "TORCHELASTIC_RUN_ID": "x",
            "LOCAL_RANK": "1",
            "LOCAL_WORLD_SIZE": "2",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    @pytest.mark.parametrize("name", ["auto", "cuda"])
    def test_every_process_takes_its_own(self, name):
        assert own_device(name) == "cuda:1"

    def test_the_cpu_stays_the_cpu(self):
        assert own_device("cpu") == "cpu"

    def test_one_for_all_is_refused(self):
        with pytest.raises(SettingsError, match="must be 'auto', 'cuda' or 'cpu', got 'cuda:0'"):
            own_device("cuda:0")

    def test_more_processes_than_gpus_are_refused(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        with pytest.raises(SettingsError, match=r"2 processes came for 1 GPUs. .*per-node 1"):
            own_device("auto")
