import json
import os
import pickle
import struct

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from gyrovox.errors import FileAccessError, MissingFileError, ModelFileError
from gyrovox.io.model_file import read_model, write_model

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([np.float32(0.1), -0.0, 1e-45], dtype=np.float32),
}
FACTS = {"configuration": {"steps": 3, "name": "ä"}, "seed": 1, "size": None}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def written(path):
    write_model(path, ARRAYS, FACTS)
    return path


def test_what_is_written_comes_back_bit_by_bit(written):
    arrays, facts = read_model(written)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert array.tobytes() == ARRAYS[name].tobytes()
    assert {name: facts[name] for name in FACTS} == FACTS


def test_a_path_may_be_text(path):
    write_model(str(path), ARRAYS, FACTS)
    assert read_model(str(path))[0].keys() == ARRAYS.keys()


def test_arrays_that_are_not_contiguous_are_written_as_they_read(path):
    turned = np.arange(12, dtype=np.float32).reshape(3, 4).T
    write_model(path, {"turned": turned}, FACTS)
    np.testing.assert_array_equal(read_model(path)[0]["turned"], turned)


def test_the_file_is_plain_safetensors(written):
    with safe_open(written, framework="numpy") as stored:
        assert json.loads(stored.metadata()["gyrovox"])["version"] == 1
        assert sorted(stored.keys()) == sorted(ARRAYS)


def test_an_earlier_file_is_replaced_and_nothing_else_is_left(written):
    write_model(written, {"only": ARRAYS["b"]}, FACTS)
    assert list(read_model(written)[0]) == ["only"]
    assert [one.name for one in written.parent.iterdir()] == [written.name]


def test_what_cannot_be_written_leaves_the_earlier_file(written):
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_model(written, ARRAYS, {"odd": object()})
    assert read_model(written)[1]["seed"] == 1
    assert [one.name for one in written.parent.iterdir()] == [written.name]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MissingFileError, match="the folder of an output must exist"):
        write_model(tmp_path / "no" / "model.safetensors", ARRAYS, FACTS)


@pytest.mark.parametrize("kind", ["absent", "folder"])
def test_a_missing_file_is_said(path, kind):
    if kind == "folder":
        path.mkdir()
    with pytest.raises(MissingFileError, match=r"must be a \.safetensors file .* is no file"):
        read_model(path)


@pytest.mark.parametrize("kept", [0, 4, 8, 30, -1])
def test_a_truncated_file_is_said(written, kept):
    content = written.read_bytes()
    written.write_bytes(content[:kept])
    with pytest.raises(ModelFileError, match=r"cannot be read as one: .* cut short"):
        read_model(written)


class Trap:
    """Says whether unpickling ran it."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_a_pickle_by_another_name_is_refused_and_not_run(path):
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelFileError, match="cannot be read as one"):
        read_model(path)
    assert not Trap.sprung


@pytest.mark.parametrize(
    "content", [b"\x00" * 100, b"\xff" * 100, b"hello, world", b"PK\x03\x04" * 20]
)
def test_other_bytes_are_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read as one"):
        read_model(path)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_a_file_of_another_program_is_refused(path, metadata):
    save_file(ARRAYS, path, metadata=metadata)
    with pytest.raises(ModelFileError, match=r"must carry gyrovox's configuration, .* has none"):
        read_model(path)


@pytest.mark.parametrize("text", ["", "{", "not json", "[" * 100_000])
def test_facts_that_are_no_json_are_refused(path, text):
    save_file(ARRAYS, path, metadata={"gyrovox": text})
    with pytest.raises(ModelFileError, match="must be JSON, and is not"):
        read_model(path)


@pytest.mark.parametrize(
    ("facts", "found"),
    [({"version": 2}, "2"), ({"version": "1"}, "1"), ({}, "None"), ([1], "None"), (None, "None")],
)
def test_another_version_is_refused(path, facts, found):
    save_file(ARRAYS, path, metadata={"gyrovox": json.dumps(facts)})
    with pytest.raises(ModelFileError, match=f"must be of version 1, .* is of version {found}"):
        read_model(path)


def test_a_type_that_numpy_does_not_have_is_refused(path):
    about = {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    about["__metadata__"] = {"gyrovox": json.dumps({"version": 1})}
    header = json.dumps(about).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\x00" * 4)
    with pytest.raises(ModelFileError, match="cannot be read as one"):
        read_model(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_who_may_read_it_is_what_the_umask_says(path):
    before = os.umask(0o027)
    try:
        write_model(path, ARRAYS, FACTS)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_may_not_be_read_says_so(written, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileAccessError, match=r"model\.safetensors may not be read by this user"):
        read_model(written)
