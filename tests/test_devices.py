import os
import sys

import pytest
import torch

from gyrovox import devices
from gyrovox.errors import SettingsError


def test_auto_is_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.device() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.device() == torch.device("cuda")


def test_cpu_is_always_there():
    assert devices.device("cpu") == torch.device("cpu")


def test_a_gpu_is_known_by_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices.device("cuda") == torch.device("cuda")
    assert devices.device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["", "gpu", "mps", "meta", "cpu:x", "CUDA"])
def test_a_device_that_is_none_of_ours_is_refused(name):
    with pytest.raises(SettingsError, match=f"'cuda' or 'cuda:N', got '{name}'"):
        devices.device(name)


@pytest.mark.parametrize(("name", "count"), [("cuda", 0), ("cuda:2", 2)])
def test_a_gpu_that_is_not_there_is_refused(name, count, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(SettingsError, match=f"'{name}' must be one of the {count} CUDA GPUs"):
        devices.device(name)


def test_threads_are_limited():
    before = torch.get_num_threads()
    try:
        devices.limit_threads(1)
        assert torch.get_num_threads() == 1
        devices.limit_threads(None)
        assert torch.get_num_threads() == 1
        devices.limit_threads(1_000_000)
        assert torch.get_num_threads() == devices.cores()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_threads_than_one_are_refused(threads):
    with pytest.raises(SettingsError, match=f"threads must be at least 1, got {threads}"):
        devices.limit_threads(threads)


def test_a_seed_holds_inside_and_leaves_no_trace():
    where = torch.device("cpu")
    before = torch.get_rng_state()
    with devices.seeded(5, where):
        inside = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    with devices.seeded(5, where):
        assert torch.equal(torch.rand(3), inside)
    with devices.seeded(6, where):
        assert not torch.equal(torch.rand(3), inside)


def test_an_error_inside_leaves_no_trace_either():
    def fail():
        with devices.seeded(5, torch.device("cpu")):
            torch.rand(3)
            raise KeyError("inside")

    before = torch.get_rng_state()
    with pytest.raises(KeyError, match="inside"):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
def test_a_seed_holds_on_a_gpu_and_leaves_no_trace(device):
    before = torch.cuda.get_rng_state(device)
    with devices.seeded(5, device):
        inside = torch.rand(3, device=device)
    assert torch.equal(torch.cuda.get_rng_state(device), before)
    with devices.seeded(5, device):
        assert torch.equal(torch.rand(3, device=device), inside)


def test_idle_threads_sleep_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    devices.share_processors()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("OMP_WAIT_POLICY")


def test_cores_are_those_that_this_process_may_run_on(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    assert devices.cores() == 3
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert devices.cores() == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert devices.cores() == 1
