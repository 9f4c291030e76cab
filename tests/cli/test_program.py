"""The program: commands, options, and what becomes of errors."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
import warnings

import pytest

from gyrovox.cli import program
from gyrovox.cli.info import Info
from gyrovox.cli.program import COMMANDS, TRACEBACK, main
from gyrovox.cli.train import Train
from gyrovox.errors import FormatLossWarning, VolumeError


@pytest.fixture
def seen(monkeypatch):
    """The commands that were called to train, which they do not do."""
    commands = []
    monkeypatch.setattr(Train, "run", lambda command: commands.extend([command]))
    return commands


def failing(error):
    def run(_self):
        raise error

    return run


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help_names_every_command(run, words):
    done = run(*words)
    assert done.code == 0
    for name in COMMANDS:
        assert f"  {name} " in done.out
    assert max(map(len, done.out.splitlines())) <= 100


def test_without_a_command_the_help_comes_and_the_exit_code_says_so(run):
    assert run().code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_has_help(run, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    done = run(*name.split(), "--help")
    assert done.code == 0
    blocks = re.split(r"\n(?=[│ ] (?:-{1,2}\w|[A-Z]{4}))", done.out)[1:]
    assert blocks
    for block in blocks:
        option, _, help_text = re.sub(r"[│─╭╮╰╯\n]", "  ", block).strip().partition("  ")
        words = re.sub(r"\((default|required)[^)]*\)", "", help_text).split()
        assert len(words) >= 3, f"{option} has no help"


def test_the_version_is_printed(run):
    assert re.fullmatch(r"gyrovox \d+\.\d+.*\n", run("--version").out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["segmnt"], "no command is called 'segmnt'. It must be one of demo, train"),
        (["phantom", "dog"], "a phantom must be one of: cell, tomogram."),
    ],
)
def test_an_unknown_command_is_wrong_usage(run, words, message):
    done = run(*words)
    assert done.code == 2
    assert done.err.startswith(f"gyrovox: {message}")
    assert done.err.count("\n") == 1


def test_an_unknown_option_is_wrong_usage(run):
    done = run("train", "a.mrc", "-o", "m.safetensors", "--model.latent-dims", "3")
    assert done.code == 2
    assert "--model.latent-dim" in done.err


def test_flags_override_the_file_which_overrides_the_named_configuration(run, seen, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("model:\n  latent_dim: 5\ntraining:\n  steps: 7\n")
    words = ["train", "a.mrc", "-o", "m.safetensors", "--configuration", "euclidean"]
    assert run(*words, "--config", file, "--training.steps", "9").code == 0
    assert run(*words, f"--config={file}").code == 0
    assert run(*words).code == 0
    both, from_file, named = (command.learning.settings for command in seen)
    assert (both.model.latent_dim, both.training.steps) == (5, 9)
    assert (from_file.model.latent_dim, from_file.training.steps) == (5, 7)
    assert {one.model.geometry for one in (both, from_file, named)} == {"euclidean"}


def test_an_unknown_key_of_the_file_is_one_line(run, seen, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("model:\n  latent_dimension: 5\n")
    done = run("train", "a.mrc", "-o", "m.safetensors", "--config", file)
    assert done.code == 1
    assert done.err == (
        f"gyrovox: {file}: no setting is called model.latent_dimension. Did you mean latent_dim?\n"
    )
    assert not seen


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (VolumeError("too flat\nby far"), 1, "too flat by far"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was left behind."),
        (MemoryError(), 1, "the memory does not suffice"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "no space left on the disk"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 1, "Permission denied: x."),
        (KeyError("oops"), 1, f"unexpected KeyError: 'oops'. .* set {TRACEBACK}=1"),
    ],
)
def test_an_error_is_one_line(run, monkeypatch, error, code, line):
    monkeypatch.setattr(Info, "run", failing(error))
    done = run("info", "x")
    assert done.code == code
    assert re.match(f"gyrovox: {line}", done.err)
    assert done.err.count("\n") == 1


def test_the_traceback_is_there_for_who_asks(monkeypatch):
    monkeypatch.setenv(TRACEBACK, "1")
    monkeypatch.setattr(Info, "run", failing(VolumeError("too flat")))
    with pytest.raises(VolumeError, match="too flat"):
        main(["info", "x"])


def test_only_warnings_about_lost_information_are_shown(run, monkeypatch):
    def warn(_self):
        warnings.warn("no rotation is kept", FormatLossWarning, stacklevel=1)
        warnings.warn("some day", DeprecationWarning, stacklevel=1)

    monkeypatch.setattr(Info, "run", warn)
    assert run("info", "x").err == "gyrovox: warning: no rotation is kept\n"


SIGNALS = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_polite_kill_cleans_up_as_an_interrupt_does(run, monkeypatch, number):
    def killed(_command):
        os.kill(os.getpid(), number)
        time.sleep(1)

    before = signal.getsignal(number)
    monkeypatch.setattr(Info, "run", killed)
    assert run("info", "x").code == 130
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_so(run, monkeypatch, number):
    monkeypatch.setattr(Info, "run", lambda _command: os.kill(os.getpid(), number))
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert run("info", "x").code == 0
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried",
        "CUDA out of memory. Tried to allocate 8.00 GiB",
    ],
)
def test_memory_that_torch_does_not_get_is_one_line(run, monkeypatch, message):
    monkeypatch.setattr(Info, "run", failing(RuntimeError(message)))
    done = run("info", "x")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("gyrovox: the memory does not suffice. Crop the volume")


def test_a_reader_that_leaves_is_no_error_message(phantom_file):
    code = f"{sys.executable} -m gyrovox info {phantom_file} | true"
    done = subprocess.run(["bash", "-c", code], check=True, capture_output=True, text=True)
    assert not done.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom gyrovox.cli import main\n"
        "try:\n    main(['segment', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'scipy', 'matplotlib', 'zarr', 'pydantic', 'yaml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_every_command_is_its_own_module():
    for name, kind in COMMANDS.items():
        whole = re.sub(r"[- ]", "_", name)
        allowed = {whole, "phantom"} if name == "phantom cell" else {whole}
        assert kind.__module__.removeprefix(f"{program.__package__}.") in allowed
