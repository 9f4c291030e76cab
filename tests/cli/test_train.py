"""`gyrovox train`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from gyrovox.execution import exclusive
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.training import DenseStep

# Steps of the real networks that take about as long as it takes to kill them.
WORK = ("--training.crop-size", "14", "--training.positions", "64", "--training.batch-size", "4")
ALWAYS = ("--threads", "1", "--device", "cpu", "--checkpoint-every", "0")


def same_model(one, other):
    """Whether two model files hold the same numbers, to the bit."""
    first, second = load_file(one), load_file(other)
    return first.keys() == second.keys() and all(
        np.array_equal(value, second[name]) for name, value in first.items()
    )


def run_folder(output):
    return output.with_name(f".{output.name}.gyrovox-run")


def steps_kept(output):
    """How many steps the checkpoint beside an output knows of."""
    with (
        contextlib.suppress(SafetensorError, FileNotFoundError),
        safe_open(run_folder(output) / "checkpoint.safetensors", "np") as stored,
    ):
        return stored.get_slice("record.loss").get_shape()[0]
    return 0


@contextlib.contextmanager
def started(*words):
    """A program of its own, waited for at the end."""
    program = subprocess.Popen(
        [sys.executable, "-m", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def wait_for(steps, output, program):
    """Wait until so many steps are kept, and fail if the program ends before."""
    until = time.monotonic() + 120
    while steps_kept(output) < steps:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < until, "no checkpoint came"
        time.sleep(0.002)


def processes_below(program):
    """Process numbers of everything that a program has started, deepest first."""
    children = Path(f"/proc/{program}/task/{program}/children").read_text().split()
    return [one for child in children for one in [*processes_below(int(child)), int(child)]]


@pytest.fixture
def signals_in_step(monkeypatch):
    """Let this process get signals in the middle of a step (from 1) of the next training."""

    def arm(step, *numbers):
        loss, begun = DenseStep.loss, []

        def watched(self, voxels, *, generator):
            begun.append(None)
            if len(begun) == step:
                for number in numbers:
                    os.kill(os.getpid(), number)
            return loss(self, voxels, generator=generator)

        monkeypatch.setattr(DenseStep, "loss", watched)

    return arm


def test_it_leaves_a_model_file_and_nothing_else(run, phantom_file, tmp_path, tiny):
    done = run("train", phantom_file, "-o", tmp_path / "new" / "m.safetensors", *tiny)
    assert (done.code, done.err) == (0, "")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.safetensors"]


def test_settings_of_flags_and_file_are_in_the_model(run, phantom_file, tmp_path, tiny):
    file = tmp_path / "settings.yaml"
    file.write_text("model:\n  latent_dim: 3\n  hidden: 8\n")
    path = tmp_path / "m.safetensors"
    words = ("--config", file, "--model.hidden", "9", "--configuration", "euclidean")
    assert run("train", phantom_file, "-o", path, *words, *tiny).code == 0
    model = HierarchicalSegmenter.load(path).configuration_.model
    assert (model.geometry, model.latent_dim, model.hidden) == ("euclidean", 3, 9)
    with safe_open(path, "np") as opened:
        assert any("latent_dim" in json.dumps(value) for value in opened.metadata().values())


def test_a_seed_gives_the_same_model_twice(run, phantom_file, tmp_path, tiny):
    for name in ("a", "b"):
        words = ("-o", tmp_path / f"{name}.safetensors", "--seed", "5", *tiny)
        assert run("train", phantom_file, *words).code == 0
    # Tensor by tensor: safetensors writes its metadata in no order.
    first, second = (load_file(tmp_path / f"{name}.safetensors") for name in ("a", "b"))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_array_equal(tensor, second[name])


def test_progress_is_shown_unless_quiet(run, phantom_file, tmp_path):
    words = ("--training.steps", "2", "--threads", "1")
    done = run("train", phantom_file, "-o", tmp_path / "m.safetensors", *words)
    assert done.code == 0
    assert not done.out
    assert "steps" in done.err
    assert "m.safetensors" in done.err


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("model.pt", r"must end in .safetensors, got 'model.pt'"),
        ("there.safetensors", "must not exist yet"),
        ("file/m.safetensors", "is a file"),
    ],
)
def test_a_wrong_output_is_one_line_before_training(run, phantom_file, tmp_path, output, message):
    (tmp_path / "there.safetensors").touch()
    (tmp_path / "file").touch()
    done = run("train", phantom_file, "-o", tmp_path / output, "--quiet")
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "whole", "kills"), [("default", 24, (3, 14)), ("paper", 16, (2, 9))]
)
def test_after_any_number_of_kills_the_same_command_ends_with_the_same_model(  # noqa: PLR0917
    name, whole, kills, run, phantom_file, tmp_path
):
    words = ("--configuration", name, "--training.steps", str(whole), *WORK, *ALWAYS, "--quiet")
    expected, output = tmp_path / "whole.safetensors", tmp_path / "new" / "m.safetensors"
    assert run("train", phantom_file, "-o", expected, *words).code == 0
    for steps in kills:
        with started("gyrovox", "train", phantom_file, "-o", output, *words) as program:
            wait_for(steps, output, program)
            program.kill()
            program.wait()
            assert program.returncode == -signal.SIGKILL
        assert not output.exists()
        assert steps <= steps_kept(output) < whole
    done = run("train", phantom_file, "-o", output, *words)
    assert (done.code, done.err) == (0, "")
    assert same_model(output, expected)
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.slow
def test_a_batch_system_that_ends_a_run_gets_a_model(run, phantom_file, tmp_path):
    output, expected = tmp_path / "m.safetensors", tmp_path / "whole.safetensors"
    words = (phantom_file, "--training.steps", "20", *WORK, *ALWAYS)
    with started("gyrovox", "train", *words, "-o", output) as program:
        wait_for(2, output, program)
        program.terminate()
        _, said = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "stopping after this step" in said
    assert f"stopped after {steps_kept(output)} of 20 steps" in said
    assert HierarchicalSegmenter.load(output).configuration_.training.steps == 20
    assert run("train", *words, "-o", output).code == 0
    assert run("train", *words, "-o", expected).code == 0
    assert same_model(output, expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find torchrun's processes")
def test_two_processes_of_torchrun_make_the_model_of_one_and_outlive_a_kill(
    run, phantom_file, tmp_path
):
    output, expected = tmp_path / "new" / "m.safetensors", tmp_path / "whole.safetensors"
    words = (phantom_file, "--training.steps", "20", "--training.batches", "2", *WORK, *ALWAYS)
    assert run("train", *words, "-o", expected, "--quiet").code == 0
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    with started(*torchrun, "gyrovox", "train", *words, "-o", output) as program:
        wait_for(5, output, program)
        for number in [*processes_below(program.pid), program.pid]:
            os.kill(number, signal.SIGKILL)
    assert not output.exists()
    with started(*torchrun, "gyrovox", "train", *words, "-o", output) as program:
        _, said = program.communicate(timeout=120)
    assert program.returncode == 0, said
    assert said.count("going on from") == said.count("the model is in") == 1
    assert same_model(output, expected)
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_training_with_a_model_and_the_same_command_goes_on(
    number, run, phantom_file, tmp_path, signals_in_step
):
    output, expected = tmp_path / "m.safetensors", tmp_path / "whole.safetensors"
    words = (phantom_file, "--training.steps", "5", "--threads", "1")
    assert run("train", *words, "-o", expected).code == 0
    signals_in_step(2, number)
    done = run("train", *words, "-o", output)
    assert done.code == 130
    assert "gyrovox: stopped after 2 of 5 steps. " in done.err
    assert "m.safetensors holds what was learned so far; the same command goes on" in done.err
    assert "unexpected" not in done.err
    assert not same_model(output, expected)
    assert steps_kept(output) == 2
    done = run("train", *words, "-o", output)
    assert done.code == 0
    assert "going on from" in done.err
    assert same_model(output, expected)
    assert not run_folder(output).exists()
    # Now it is somebody's finished model.
    assert "must not exist yet" in run("train", *words, "-o", output).err


def test_the_second_signal_ends_it_at_once_and_the_checkpoint_stays(
    run, phantom_file, tmp_path, signals_in_step
):
    output = tmp_path / "m.safetensors"
    words = (phantom_file, "--training.steps", "5", *ALWAYS)
    signals_in_step(3, signal.SIGINT, signal.SIGINT)
    done = run("train", *words, "-o", output)
    assert done.code == 130
    assert done.err.splitlines()[-1] == (
        "gyrovox: interrupted; the same command goes on from the last checkpoint."
    )
    assert not output.exists()
    assert steps_kept(output) == 2


def test_an_interruption_before_the_first_checkpoint_leaves_nothing(
    run, phantom_file, tmp_path, signals_in_step
):
    signals_in_step(1, signal.SIGINT, signal.SIGINT)
    done = run("train", phantom_file, "-o", tmp_path / "new" / "m.safetensors", *ALWAYS)
    assert done.code == 130
    assert "interrupted; nothing was left behind." in done.err
    assert list(tmp_path.iterdir()) == []


def test_another_command_does_not_go_on_unless_it_overwrites(
    run, phantom_file, tmp_path, signals_in_step, monkeypatch
):
    output, other = tmp_path / "m.safetensors", ("--seed", "9")
    words = (phantom_file, "-o", output, "--training.steps", "4", "--threads", "1")
    signals_in_step(2, signal.SIGTERM)
    assert run("train", *words).code == 130
    monkeypatch.undo()
    done = run("train", *words, *other)
    assert done.code == 1
    assert "training can go on only as it began" in done.err
    assert "seed is 0, and 9 came" in done.err
    assert steps_kept(output) == 2
    assert run("train", *words, *other, "--overwrite").code == 0
    assert run("train", *words[:1], "-o", tmp_path / "n.safetensors", *words[3:], *other).code == 0
    assert same_model(output, tmp_path / "n.safetensors")
    assert not run_folder(output).exists()


def test_how_to_go_on_from_an_overwriting_run_is_said(run, phantom_file, tmp_path, signals_in_step):
    output = tmp_path / "m.safetensors"
    output.touch()
    signals_in_step(2, signal.SIGINT)
    words = (phantom_file, "-o", output, "--training.steps", "4", "--threads", "1")
    done = run("train", *words, "--overwrite")
    assert "the same command, without --overwrite, goes on from there" in done.err
    assert run("train", *words).code == 0


def test_a_second_run_on_the_same_output_is_refused(run, phantom_file, tmp_path, tiny):
    output = tmp_path / "m.safetensors"
    with exclusive(run_folder(output)):
        done = run("train", phantom_file, "-o", output, *tiny)
    assert done.code == 1
    assert "one run at a time may write there" in done.err
    assert not output.exists()


def test_a_damaged_checkpoint_is_said(run, phantom_file, tmp_path, tiny):
    output = tmp_path / "m.safetensors"
    run_folder(output).mkdir()
    (run_folder(output) / "checkpoint.safetensors").write_bytes(b"torn")
    done = run("train", phantom_file, "-o", output, *tiny)
    assert done.code == 1
    assert "cannot be read" in done.err
    assert run("train", phantom_file, "-o", output, *tiny, "--overwrite").code == 0


def test_a_run_that_diverged_leaves_nothing_to_go_on_from(run, phantom_file, tmp_path):
    words = ("--training.learning-rate", "1e9", "--training.steps", "200", *ALWAYS)
    done = run("train", phantom_file, "-o", tmp_path / "m.safetensors", *words, "--quiet")
    assert done.code == 1
    assert "the loss must stay finite" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_cannot_be_learned_from_leaves_nothing(run, write, tmp_path, tiny):
    constant = write(np.ones((12, 12, 12), np.float32), "in/constant.mrc")
    done = run("train", constant, "-o", tmp_path / "new" / "m.safetensors", *tiny)
    assert done.code == 1
    assert "must vary" in done.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("seconds", ["-1", "nan"])
def test_time_between_checkpoints_is_not_negative(run, phantom_file, tmp_path, seconds):
    words = ("-o", tmp_path / "m.safetensors", f"--checkpoint-every={seconds}")
    done = run("train", phantom_file, *words)
    assert done.code == 1
    assert "--checkpoint-every must be 0 or positive" in done.err


def test_the_missing_wedge_is_a_flag_and_is_kept_with_the_model(run, phantom_file, tmp_path):
    path = tmp_path / "wedge.safetensors"
    words = ("--training.steps", "1", *WORK, *ALWAYS, "--quiet")
    done = run("train", phantom_file, "-o", path, "--training.missing-wedge", "-60", "60", *words)
    assert (done.code, done.err) == (0, "")
    training = HierarchicalSegmenter.load(path).configuration_.training
    assert training.missing_wedge == (-60.0, 60.0)
    wrong = run("train", phantom_file, "-o", path, "--training.missing-wedge", "60", "-60", *words)
    assert wrong.code == 2
    assert "training.missing_wedge must be" in wrong.err
