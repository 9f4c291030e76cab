"""`gyrovox info`."""

import h5py
import numpy as np
import pytest


@pytest.fixture
def ramp():
    return np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def rows(text):
    """Values by their names, of a single file."""
    pairs = (line.split(None, 1) for line in text.splitlines()[1:])
    return {name: value.strip() for name, value in pairs}


def test_it_shows_what_is_known(run, write, ramp):
    path = write(ramp, "scan.nii.gz", voxel_size_nm=(30.0, 10.0, 10.0))
    done = run("info", path)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == str(path)
    shown = rows(done.out)
    assert shown["shape"] == "4 × 5 × 6 (z, y, x)"
    assert shown["channels"] == "1"
    assert shown["type"] == "int16"
    assert shown["voxel"] == "size  30 nm × 10 nm × 10 nm (z, y, x)"
    assert shown["axes"] == "z along +z, y along +y, x along +x"
    assert shown["values"] == "0 to 119"
    assert shown["memory"] == "480 B as float32"


def test_it_says_what_is_unknown_and_what_is_not_finite(run, write):
    voxels = np.ones((4, 4, 4), np.float32)
    voxels[0, 0, :2] = np.nan, np.inf
    shown = rows(run("info", write(voxels, "scan.mrc")).out)
    assert shown["voxel"] == "size  unknown"
    assert shown["values"] == "1 to 1, and 2 that are NaN or infinite"


def test_joined_files_are_channels(run, write, ramp):
    one, two = write(ramp, "one.mrc"), write(ramp, "two.mrc")
    assert rows(run("info", f"{one},{two}").out)["channels"] == "2"


def test_several_datasets_are_listed(run, tmp_path, ramp):
    with h5py.File(tmp_path / "stack.h5", "w") as file:
        file["raw"] = ramp
        file["deep/labels"] = ramp.astype(np.uint8)
    out = run("info", tmp_path / "stack.h5").out
    assert "::raw          4 × 5 × 6, int16" in out
    assert "::deep/labels  4 × 5 × 6, uint8" in out
    assert f"as {tmp_path / 'stack.h5'}::" in out


def test_a_bad_file_does_not_hide_the_good_ones(run, write, ramp, tmp_path):
    done = run("info", tmp_path / "no.mrc", write(ramp, "a.mrc"), tmp_path / "neither.mrc")
    assert done.code == 1
    assert "a.mrc" in done.out
    assert [line.startswith("gyrovox: ") for line in done.err.splitlines()] == [True, True]
    assert "neither.mrc" in done.err


def test_a_file_must_be_named(run):
    assert run("info").err == "gyrovox: name at least one FILE to look into.\n"
