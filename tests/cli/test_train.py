"""`gyrovox train`."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from gyrovox.segmenter import HierarchicalSegmenter


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
