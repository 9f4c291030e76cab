"""`gyrovox embed`."""

import re
import subprocess
import sys

import numpy as np
import pytest

from gyrovox import io
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.volumes import Volume


def test_the_codes_are_the_channels_of_an_ome_zarr(run, phantom_file, model_file, tmp_path):
    path = tmp_path / "codes.zarr"
    done = run("embed", phantom_file, "-m", model_file, "-o", path, "--quiet", "--threads", "1")
    assert (done.code, done.err) == (0, "")
    source, codes = io.read(phantom_file), io.read(path)
    expected = HierarchicalSegmenter.load(model_file, quiet=True).embed(source)
    np.testing.assert_allclose(codes.read(), np.moveaxis(expected, -1, 0), rtol=0, atol=1e-6)
    assert codes.voxel_size_nm == pytest.approx(source.voxel_size_nm)
    assert [left.name for left in tmp_path.iterdir()] == ["codes.zarr"]


@pytest.fixture
def good(phantom_file, model_file):
    """What a call needs, all of it right."""
    return {"volume": phantom_file, "-m": model_file, "-o": "codes.zarr"}


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("volume", "absent.mrc", "absent.mrc"),
        ("-m", "absent.safetensors", "absent.safetensors"),
        ("-o", "codes.npy", "-o must end in .zarr"),
        ("-o", "there.zarr", "must not exist yet"),
    ],
)
def test_what_is_wrong_is_one_line(run, good, tmp_path, option, value, message):  # noqa: PLR0917
    (tmp_path / "there.zarr").mkdir()
    words = {name: tmp_path / path for name, path in {**good, option: value}.items()}
    done = run("embed", words["volume"], "-m", words["-m"], "-o", words["-o"])
    assert done.code == 1
    assert message in done.err
    assert done.err.count("\n") == 1
    assert [left.name for left in tmp_path.iterdir()] == ["there.zarr"]


def test_codes_never_replace_what_they_are_made_from(run, image, model_file, tmp_path):
    volume = tmp_path / "scan.ome.zarr"
    io.write(Volume.from_array(image, voxel_size_nm=(2.0, 2.0, 2.0)), volume)
    done = run("embed", volume, "-m", model_file, "-o", volume, "--overwrite")
    assert (done.code, done.out) == (1, "")
    assert "scan.ome.zarr would be replaced by the output" in done.err
    assert io.read(volume).channels == 1


@pytest.mark.parametrize(("dtype", "stored"), [("float16", "float16"), ("int8", "float32")])
def test_smaller_types_say_what_they_cost(run, phantom_file, model_file, tmp_path, dtype, stored):  # noqa: PLR0917
    path = tmp_path / "codes.zarr"
    done = run("embed", phantom_file, "-m", model_file, "-o", path, "--dtype", dtype)
    assert done.code == 0
    assert re.search(r"codes.zarr, no farther than [0-9.e-]+ from where they were", done.err)
    assert str(io.read(path).dtype) == stored


def test_a_run_that_was_interrupted_says_how_to_go_on(
    run, phantom_file, model_file, tmp_path, monkeypatch
):
    def stop(*_):
        raise KeyboardInterrupt("interrupted; the same command goes on with what is missing.")

    words = ("embed", phantom_file, "-m", model_file, "-o", tmp_path / "codes.zarr", "--quiet")
    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.pipeline.embedding._record", stop)
        done = run(*words)
    assert done.code == 130
    assert "the same command goes on" in done.err
    assert [left.name for left in tmp_path.iterdir()] == [".codes.zarr.gyrovox-run"]
    assert run(*words).code == 0
    assert [left.name for left in tmp_path.iterdir()] == ["codes.zarr"]


def test_workers_must_be_some(run, phantom_file, model_file, tmp_path):
    path = tmp_path / "codes.zarr"
    done = run("embed", phantom_file, "-m", model_file, "-o", path, "--workers", "0")
    assert done.code == 1
    assert "workers must be at least 1, got 0" in done.err


MEASURED = """
import sys
from gyrovox.cli import main
from gyrovox.patches import tiling
tiling.WHOLE = 1_000_000
try:
    main(sys.argv[1:])
except SystemExit as leave:
    assert leave.code == 0, leave.code
from gyrovox.execution import peak_memory_bytes
print(peak_memory_bytes())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is compared as Linux counts it")
def test_memory_does_not_grow_with_the_volume(run, phantom_file, tmp_path):
    model = tmp_path / "small.safetensors"
    small = ("--model.channels", "4", "4", "4", "--model.hidden", "8")  # soon done
    assert run("train", phantom_file, "-o", model, *small, "--training.steps", "2").code == 0
    block = np.random.default_rng(0).normal(0, 9, (32, 128, 128)).astype(np.float32)

    def peak(depth):
        path = tmp_path / f"{depth}.ome.zarr"
        source = Repeated(block, depth)
        io.write(Volume(source=source, voxel_size_nm=(2.0, 2.0, 2.0), affine=AFFINE), path)
        words = ["embed", path, "-m", model, "-o", tmp_path / f"codes-{depth}.zarr"]
        options = ["--threads", "1", "--quiet", "--dtype", "float16"]
        command = [sys.executable, "-c", MEASURED, *words, *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(done.stdout)

    little, much = peak(256), peak(1024)
    # Half of what the voxels that were added take, in the file or as codes.
    assert much - little < 0.5 * (1024 - 256) * block[0].nbytes
    assert much < 1e9


AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


class Repeated:
    """A block again and again along z."""

    def __init__(self, block, depth):
        self.block = block
        self.shape = (1, depth, *block.shape[1:])
        self.dtype = block.dtype

    def read(self, region):
        z = np.arange(region.start[0], region.stop[0]) % len(self.block)
        return self.block[z][:, *region.slices[1:]][np.newaxis].copy()
