"""A command line to call, and small volumes for it."""

from dataclasses import dataclass

import numpy as np
import pytest

from gyrovox import io
from gyrovox.cli import main
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

TINY = ("--training.steps", "2", "--threads", "1", "--quiet")


@dataclass(frozen=True)
class Finished:
    """What a command left on its two streams, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """Call the command line in this process."""

    def call(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as leave:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Finished(leave.value.code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def tiny():
    """Options that keep training short."""
    return TINY


@pytest.fixture(scope="session")
def image():
    """Voxels of a small phantom, (24, 24, 24)."""
    return cell_phantom(0, shape=(24, 24, 24)).image


@pytest.fixture(scope="session")
def phantom_file(tmp_path_factory, image):
    """A small phantom of 2 nm voxels, as MRC."""
    path = tmp_path_factory.mktemp("volumes") / "cell.mrc"
    io.write(Volume.from_array(image, voxel_size_nm=(2.0, 2.0, 2.0)), path)
    return path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory, phantom_file):
    """A model that has seen the phantom for two steps."""
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    with pytest.raises(SystemExit) as leave:
        main(["train", str(phantom_file), "-o", str(path), *TINY])
    assert leave.value.code == 0
    return path


@pytest.fixture
def write(tmp_path):
    """Write an array as a volume below the test's folder."""

    def write(array, name, **about):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write(Volume.from_array(np.asarray(array), **about), path)
        return path

    return write
