"""Codes of a volume that is cut into many tiles, by one process or several, broken off or not."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gyrovox import io
from gyrovox.errors import DamagedPieceWarning, RunLockedError, RunMismatchError, VolumeError
from gyrovox.patches import lattice, tiling
from gyrovox.pipeline import (
    EmbeddingRun,
    embedding,
    inputs,
    opened_run,
    run_folder,
    stated_error,
)
from gyrovox.segmenter import HierarchicalSegmenter
from gyrovox.volumes import Volume


@pytest.fixture(autouse=True)
def _many_tiles(monkeypatch):
    """A volume of 1.2 million voxels is large here: tiles of 128."""
    monkeypatch.setattr(tiling, "WHOLE", 1_000_000)


@pytest.fixture
def run(volume_file, model_file, tmp_path):
    return EmbeddingRun(
        volume=(str(volume_file),),
        model=model_file,
        output=tmp_path / "codes.zarr",
        device="cpu",
        quiet=True,
    )


@pytest.fixture(scope="module")
def whole(volume_file, model_file):
    """The codes from the volume in memory, one region."""
    segmenter = HierarchicalSegmenter.load(model_file, device="cpu", quiet=True)
    return np.moveaxis(segmenter.embed(io.read(volume_file)), -1, 0)


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def counted(monkeypatch):
    """The regions that are embedded from now on."""
    seen = []
    real = inputs.embed_region

    def embed(encoder, volume, normalisation, region, **options):
        seen.append(region)
        return real(encoder, volume, normalisation, region, **options)

    monkeypatch.setattr(inputs, "embed_region", embed)
    return seen


def break_off_after(monkeypatch, tiles):
    """The process dies while it writes down the tile after so many."""
    real, done = embedding._record, []

    def record(*arguments):
        if len(done) == tiles:
            raise KeyboardInterrupt
        done.append(1)
        real(*arguments)

    monkeypatch.setattr(embedding, "_record", record)


def test_tiles_are_the_whole(run, whole, monkeypatch):
    seen = counted(monkeypatch)
    assert run.run() == 0.0
    assert len(seen) == len(lattice(whole.shape[1:])) == 4
    codes = io.read(run.output)
    assert whole.std() > 1e-3
    np.testing.assert_allclose(codes.read(), whole, rtol=1e-5, atol=1e-5)
    assert codes.voxel_size_nm == (2.0, 2.0, 2.0)
    assert [left.name for left in run.output.parent.iterdir()] == ["codes.zarr"]


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_smaller_types_are_as_far_off_as_is_said(run, whole, dtype):
    error = replace(run, dtype=dtype).run()
    codes = io.read(run.output)
    assert codes.dtype == {"float16": np.float16, "int8": np.float32}[dtype]
    space = HierarchicalSegmenter.load(run.model, device="cpu").vae_.manifold
    expected, found = (
        torch.from_numpy(np.moveaxis(one, 0, -1).astype(np.float32).copy())
        for one in (whole, codes.read())
    )
    largest = float(space.code_distance(expected, found).max())
    assert largest == pytest.approx(error, rel=0.05, abs=1e-5)
    assert 0 < error < {"float16": 0.01, "int8": 0.1}[dtype]
    stored = json.loads((run.output / "zarr.json").read_text())["attributes"]["gyrovox"]
    assert stored["largest_distance_error"] == stated_error(run.output) == error


@pytest.mark.parametrize("tiles", [0, 1, 3])
def test_it_goes_on_where_it_was_broken_off_to_the_same_bytes(run, tiles, monkeypatch, tmp_path):
    undisturbed = replace(run, output=tmp_path / "other" / "codes.zarr")
    undisturbed.output.parent.mkdir()
    undisturbed.run()
    with monkeypatch.context() as patched:
        break_off_after(patched, tiles)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    assert not run.output.exists()
    seen = counted(monkeypatch)
    run.run()
    assert len(seen) == 4 - tiles
    assert files_of(run.output) == files_of(undisturbed.output)


def test_the_steps_of_int8_stay_those_that_the_run_began_with(run, monkeypatch):
    run = replace(run, dtype="int8")
    with monkeypatch.context() as patched:
        break_off_after(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    real = embedding.latent_storage
    monkeypatch.setattr(embedding, "latent_storage", lambda dtype, sample: real(dtype, 2 * sample))
    assert run.run() < 0.1
    kept = json.loads((run.output / "zarr.json").read_text())["attributes"]["gyrovox"]["steps"]
    replace(run, overwrite=True).run()
    new = json.loads((run.output / "zarr.json").read_text())["attributes"]["gyrovox"]["steps"]
    assert new == pytest.approx([2 * step for step in kept])


def test_a_damaged_tile_is_found_and_made_again(run, monkeypatch, whole):
    with monkeypatch.context() as patched:
        break_off_after(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    folder = run_folder(run.output)
    shard = folder / "codes.zarr" / "0" / "c" / "0" / "0" / "0" / "0"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    seen = counted(monkeypatch)
    with pytest.warns(DamagedPieceWarning, match="the piece is made again"):
        run.run()
    assert len(seen) == 3
    np.testing.assert_allclose(io.read(run.output).read(), whole, rtol=1e-5, atol=1e-5)


def test_two_processes_give_the_bytes_of_one(run, tmp_path):
    run.run()
    several = replace(run, output=tmp_path / "other.zarr", workers=2, threads=2)
    several.run()
    one, other = files_of(run.output), files_of(several.output)
    assert one.keys() == other.keys()
    # Threads may add up in another order; here each has one.
    assert one == other


def test_a_crew_that_is_lent_does_the_work_and_is_not_let_go(run, monkeypatch, backwards):
    closed, seen = [], counted(monkeypatch)
    monkeypatch.setattr(type(backwards), "close", lambda _: closed.append(1))
    replace(run, workers=3).run(backwards)
    assert [region.start for region in seen] == sorted(
        (region.start for region in seen), reverse=True
    )
    assert not closed


def test_another_command_does_not_go_on_with_it(run, monkeypatch):
    with monkeypatch.context() as patched:
        break_off_after(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    other = replace(run, dtype="float16")
    with pytest.raises(RunMismatchError, match=r'dtype \(was "float32", is "float16"\)'):
        other.run()
    replace(other, overwrite=True).run()
    assert io.read(run.output).dtype == np.float16


def test_a_volume_that_was_changed_meanwhile_is_noticed(run, monkeypatch):
    with monkeypatch.context() as patched:
        break_off_after(patched, 1)
        with pytest.raises(KeyboardInterrupt):
            run.run()
    source = os.path.join(run.volume[0], "zarr.json")
    os.utime(source, ns=(1, 1))
    with pytest.raises(RunMismatchError, match="volume"):
        run.run()


def test_a_second_run_is_refused(run):
    volume = io.read(run.volume)
    with (
        opened_run(run.output, run._fingerprint(volume), overwrite=False),
        pytest.raises(RunLockedError, match="one run at a time"),
    ):
        run.run()


def test_a_volume_that_cannot_be_worked_with_leaves_nothing(run, tmp_path):
    path = tmp_path / "flat.mrc"
    io.write(Volume.from_array(np.zeros((20, 20, 20), np.float32)), path)
    with pytest.raises(VolumeError, match="must vary"):
        replace(run, volume=(str(path),)).run()
    assert [left.name for left in tmp_path.iterdir()] == ["flat.mrc"]


def test_it_stops_when_asked_to_and_says_how_to_go_on(run, monkeypatch):
    real = embedding._record

    def record(*arguments):
        real(*arguments)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(embedding, "_record", record)
        with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
            run.run()
    seen = counted(monkeypatch)
    run.run()
    assert len(seen) == 3


DRIVER = """
import sys
from pathlib import Path
from gyrovox.patches import tiling
tiling.WHOLE = 1_000_000
from gyrovox.pipeline import EmbeddingRun
volume, model, output, workers = sys.argv[1:]
if __name__ == "__main__":
    EmbeddingRun(volume=(volume,), model=Path(model), output=Path(output), device="cpu",
                 workers=int(workers), threads=2, quiet=True).run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_after_kill_9_at_any_moment_the_same_command_gives_the_same_bytes(run, workers, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    undisturbed = replace(run, output=tmp_path / "undisturbed.zarr")
    undisturbed.run()
    command = [sys.executable, script, *run.volume, run.model, run.output, str(workers)]
    folder = run_folder(run.output)
    for delay in (0.0, 0.1, 0.3):
        driver = subprocess.Popen(command)
        while not folder.exists() and driver.poll() is None:
            time.sleep(0.01)
        time.sleep(delay)
        driver.kill()
        driver.wait()
    subprocess.run(command, check=True, timeout=120)
    assert files_of(run.output) == files_of(undisturbed.output)
    assert not folder.exists()
