import json
import zlib
from dataclasses import replace

import pytest
import torch
from resume_laws import new_model
from safetensors.torch import load_file, save_file

from gyrovox.errors import CheckpointError, FileAccessError, OutputSpaceError, RunMismatchError
from gyrovox.execution import piece_file
from gyrovox.settings import ModelSettings, TrainingSettings
from gyrovox.training.checkpoint import read_checkpoint, run_facts, write_checkpoint

MODEL = ModelSettings(channels=(4, 4), dilations=(1, 1), hidden=8, decoder_channels=(4,))
SETTINGS = TrainingSettings(steps=3)
ARRAYS = {
    "model.weight": torch.tensor([[1.0, float("nan")], [3.0, -0.0]]),
    "optimiser.0.step": torch.tensor(7.0),
    "stream.0.host": torch.arange(200, dtype=torch.uint8),
    "record.loss": torch.tensor([0.1, 1e300], dtype=torch.float64),
    "record.triplet": torch.zeros(0, dtype=torch.float64),
}


def facts_of(model=MODEL, settings=SETTINGS, seed=5, shift=0.0, side=6):
    voxels = torch.arange(float(side**3)).reshape(1, side, side, side) + shift
    return run_facts(
        new_model(model), [voxels, voxels[None].repeat(2, 1, 1, 1, 1)], settings, seed=seed
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.safetensors"


def test_what_was_written_comes_back_to_the_bit(path):
    write_checkpoint(path, ARRAYS, facts_of())
    back = read_checkpoint(path, facts_of())
    assert back.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        assert back[name].dtype == value.dtype
        assert back[name].numpy().tobytes() == value.numpy().tobytes(), name


def test_where_there_is_none_there_is_nothing_to_go_on_from(path):
    assert read_checkpoint(path, facts_of()) is None


def test_a_checkpoint_takes_the_place_of_an_earlier_one_and_leaves_nothing_beside_it(path):
    write_checkpoint(path, ARRAYS, facts_of())
    write_checkpoint(path, {"model.weight": torch.ones(3)}, facts_of())
    assert list(read_checkpoint(path, facts_of())) == ["model.weight"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(OSError(28, "full"), OutputSpaceError), (PermissionError(), FileAccessError)],
)
def test_an_earlier_checkpoint_outlives_one_that_cannot_be_written(path, monkeypatch, error, kind):
    write_checkpoint(path, ARRAYS, facts_of())

    def fails(_path):
        raise error

    monkeypatch.setattr(piece_file, "_flush", fails)
    with pytest.raises(kind):
        write_checkpoint(path, {"model.weight": torch.ones(3)}, facts_of())
    assert read_checkpoint(path, facts_of()).keys() == ARRAYS.keys()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 6}, "seed is 5, and 6 came"),
        ({"settings": replace(SETTINGS, steps=4)}, "training.steps is 3, and 4 came"),
        (
            {"settings": replace(SETTINGS, scales=(1, 2))},
            r"training.scales is \[1, 2, 4\], and \[1, 2\] came",
        ),
        ({"model": replace(MODEL, hidden=9)}, "model.hidden is 8, and 9 came"),
        ({"shift": 1.0}, "the volumes were others"),
        ({"side": 7}, "the volumes were others"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(path, changes, said):
    write_checkpoint(path, ARRAYS, facts_of())
    advice = "Give the same command as then, choose another -o, or pass --overwrite"
    with pytest.raises(RunMismatchError, match=rf"can go on only as it began, .*{said}.*{advice}"):
        read_checkpoint(path, facts_of(**changes))


def test_the_kind_of_device_is_part_of_a_run(path):
    facts = {**facts_of(), "device": "cuda"}
    write_checkpoint(path, ARRAYS, facts)
    with pytest.raises(RunMismatchError, match="device is 'cuda', and 'cpu' came"):
        read_checkpoint(path, facts_of())


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x08" + b"\0" * 7 + b"{}      "])
def test_what_is_no_checkpoint_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"must be .*--overwrite to train"):
        read_checkpoint(path, facts_of())


def test_every_damage_is_noticed(path):
    write_checkpoint(path, ARRAYS, facts_of())
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for place in range(start, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CheckpointError, match="cannot be read: its checksum is another one"):
            read_checkpoint(path, facts_of())
    path.write_bytes(whole[:-10])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(path, facts_of())


def test_the_checkpoint_of_a_later_version_is_refused(path):
    about = {"version": 2, "checksum": zlib.crc32(b""), "facts": {}}
    save_file(ARRAYS, path, metadata={"gyrovox-checkpoint": json.dumps(about)})
    with pytest.raises(CheckpointError, match=r"must be of version 1, and .* is of version 2"):
        read_checkpoint(path, facts_of())


def test_a_model_file_is_no_checkpoint(path):
    save_file({"weight": torch.ones(2)}, path, metadata={"gyrovox": "{}"})
    with pytest.raises(CheckpointError, match="is of version None"):
        read_checkpoint(path, facts_of())


def test_it_is_a_file_that_runs_no_code(path):
    write_checkpoint(path, ARRAYS, facts_of())
    assert load_file(path).keys() == ARRAYS.keys()
