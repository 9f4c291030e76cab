"""Results of `gyrovox segment` on their way: codes that are kept, and what a dead run has left."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from typing import get_args

import numpy as np
import pytest

from gyrovox import io
from gyrovox.cli import main
from gyrovox.cli.command import LatentType
from gyrovox.cli.results import LATENTS
from gyrovox.patches import tiling
from gyrovox.pipeline import EmbeddingRun, inputs, run_folder
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

LONG = (20, 24, 170)  # two tiles for the codes, three of 64 for the labels
NM = (2.0, 2.0, 2.0)


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def labels_of(folder, k=2):
    """Labels as MRC keeps them, behind a header that holds the time."""
    return (folder / f"level-{k}.mrc").read_bytes()[1024:]


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "long.mrc"
    image = cell_phantom(202, shape=LONG).image
    io.write(Volume.from_array(image, voxel_size_nm=NM), path)
    return path


@pytest.fixture(autouse=True, scope="module")
def _many_tiles():
    """What is more than one tile is large here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tiling, "WHOLE", 20_000)
        yield


@pytest.fixture(scope="module")
def plain_words(long_file, model_file):
    """Segment the long volume in tiles."""
    options = ("-m", model_file, "--levels", "2", "--tile", "64", "--quiet", "-o")
    return ("segment", long_file, *options)


@pytest.fixture
def words(plain_words, tmp_path):
    """The same, and keep its codes."""
    return (*plain_words, tmp_path / "out", "--keep-latents")


def called(*words):
    with pytest.raises(SystemExit) as leave:
        main([str(word) for word in words])
    assert leave.value.code == 0


@pytest.fixture(scope="module")
def plain(tmp_path_factory, plain_words):
    """Results without codes."""
    folder = tmp_path_factory.mktemp("plain")
    called(*plain_words, folder)
    return folder / "long"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory, long_file, model_file):
    """What `gyrovox embed` writes, as each type."""
    folder = tmp_path_factory.mktemp("embedded")
    for dtype in get_args(LatentType):
        words = ("-m", model_file, "--dtype", dtype, "--quiet", "-o", folder / f"{dtype}.zarr")
        called("embed", long_file, *words)
    return folder


@pytest.mark.parametrize(
    ("clustering", "dtype", "workers"),
    [("tree", "float32", "1"), ("kmeans", "int8", "1"), ("tree", "float16", "2")],
)
def test_codes_that_are_kept_are_those_of_embed(  # noqa: PLR0917
    run, words, plain, embedded, tmp_path, monkeypatch, clustering, dtype, workers
):
    flags = ("--clustering", clustering, "--latent-dtype", dtype, "--workers", workers)
    if workers != "1":  # then others do the work
        monkeypatch.setattr(inputs, "embed_region", None)
    assert run(*words, *flags, "--threads", workers).code == 0
    folder, alone = tmp_path / "out" / "long", embedded / f"{dtype}.zarr"
    assert files_of(folder / LATENTS) == files_of(alone)
    if clustering == "tree":
        assert labels_of(folder) == labels_of(plain)
        left = {path.name for path in folder.iterdir()}
        assert left == {LATENTS, *(path.name for path in plain.iterdir())}
    stated = json.loads((alone / "zarr.json").read_text())["attributes"]["gyrovox"]
    assert json.loads((folder / "run.json").read_text())["latents"] == {
        "dtype": dtype,
        "largest_distance_error": stated["largest_distance_error"],
    }
    assert json.loads((plain / "run.json").read_text())["latents"] is None


def test_codes_of_a_volume_in_one_piece_are_kept_too(run, phantom_file, model_file, tmp_path):
    kept, alone = tmp_path / "out" / "cell" / LATENTS, tmp_path / "alone.zarr"
    words = ("-m", model_file, "--levels", "2", "--keep-latents", "--latent-dtype", "float16")
    done = run("segment", phantom_file, *words, "-o", tmp_path / "out")
    assert done.code == 0
    said = re.search(r"the codes of cell are in (.*), no farther than (\S+) from", done.err)
    assert said[1] == str(kept)
    words = ("-m", model_file, "--dtype", "float16", "--quiet", "-o", alone)
    assert run("embed", phantom_file, *words).code == 0
    assert files_of(kept) == files_of(alone)
    record = json.loads((kept.parent / "run.json").read_text())
    assert said[2] == f"{record['latents']['largest_distance_error']:.2g}"
    assert record["timings_s"]["latents"] > 0


def test_codes_go_with_the_results_that_are_replaced(run, phantom_file, model_file, tmp_path):
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "--quiet", "-o", tmp_path)
    assert run(*words, "--keep-latents").code == 0
    assert (tmp_path / "cell" / LATENTS).is_dir()
    assert run(*words, "--overwrite").code == 0
    assert not (tmp_path / "cell" / LATENTS).exists()


def test_codes_need_room(run, phantom_file, model_file, tmp_path, monkeypatch):
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "--quiet", "-o", tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    sizes = [
        float(re.search(r"take up to (\d+\.\d+) MB", run(*words, *flags).err)[1])
        for flags in ((), ("--keep-latents",), ("--keep-latents", "--latent-dtype", "int8"))
    ]
    assert np.diff(sizes) == pytest.approx([24**3 * 8 / 1e6, -(24**3) * 6 / 1e6], abs=0.1)


def test_another_type_is_another_command(run, words, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.cli.staged_results.write_tiled_segmentation", interrupt)
        assert run(*words).code == 130
    done = run(*words, "--latent-dtype", "int8")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert 'latents.latent_dtype (was "float32", is "int8")' in done.err


def interrupt(*_, **__):
    raise KeyboardInterrupt


KILLED = """
import os, signal, sys
from gyrovox.cli import main
from gyrovox.patches import tiling
from gyrovox.pipeline import embedding
tiling.WHOLE = 20_000
record = embedding._record
def last(*arguments):
    record(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
embedding._record = last
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_after_a_kill_while_codes_are_made_the_same_command_gives_the_same_bytes(  # noqa: PLR0917
    run, words, plain, embedded, tmp_path, monkeypatch
):
    command = [sys.executable, "-c", KILLED, *map(str, words)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    seen, real = [], EmbeddingRun.run
    monkeypatch.setattr(EmbeddingRun, "run", lambda *them: counted(seen, real, *them))
    assert run(*words).code == 0
    assert len(seen) == 1  # of two tiles
    folder = tmp_path / "out" / "long"
    assert files_of(folder / LATENTS) == files_of(embedded / "float32.zarr")
    assert labels_of(folder) == labels_of(plain)
    assert [left.name for left in (tmp_path / "out").iterdir()] == ["long"]


def counted(seen, real, *arguments):
    """An embedding, whose tiles are noted."""
    embed = inputs.embed_region

    def noted(encoder, volume, normalisation, region, **options):
        seen.append(region)
        return embed(encoder, volume, normalisation, region, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inputs, "embed_region", noted)
        return real(*arguments)


@pytest.mark.parametrize("harm", [None, "a bit", "a file"])
def test_codes_are_made_once_unless_they_are_damaged(  # noqa: PLR0917
    run, words, embedded, tmp_path, monkeypatch, harm
):
    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.cli.staged_results.write_tiled_segmentation", interrupt)
        assert run(*words).code == 130
    kept = run_folder(tmp_path / "out" / "segment") / "results" / "long" / LATENTS
    shard = next(path for path in sorted(kept.rglob("*")) if "/c/" in path.as_posix())
    shard = next(path for path in [shard, *sorted(shard.rglob("*"))] if path.is_file())
    if harm == "a bit":
        flip_a_bit(shard)
    elif harm == "a file":
        shard.unlink()
    else:
        monkeypatch.setattr(EmbeddingRun, "run", None)
    done = run(*words)
    assert done.code == 0
    lines = [f"gyrovox: warning: {kept} is not what this run wrote; the piece is made again"]
    assert done.err.splitlines() == (lines if harm else [])
    kept = tmp_path / "out" / "long" / LATENTS
    assert files_of(kept) == files_of(embedded / "float32.zarr")


@pytest.mark.parametrize(
    ("name", "gone"), [("level-2.mrc", False), ("overview.png", False), ("leaves.mrc", True)]
)
def test_results_that_were_damaged_before_they_were_moved_are_made_again(  # noqa: PLR0917
    run, write, image, model_file, tmp_path, monkeypatch, name, gone
):
    volumes = [write(image + n, f"in/{n}.mrc", voxel_size_nm=NM) for n in range(2)]
    words = ("segment", *volumes, "-m", model_file, "--levels", "2", "--quiet", "-o")
    assert run(*words, tmp_path / "undisturbed").code == 0
    with monkeypatch.context() as patched:
        patched.setattr("gyrovox.cli.staged_results.publish", interrupt)
        assert run(*words, tmp_path / "out").code == 130
    staged = run_folder(tmp_path / "out" / "segment") / "results" / "1"
    if gone:
        (staged / name).unlink()
    else:
        flip_a_bit(staged / name)
    done = run(*words, tmp_path / "out")
    assert done.code == 0
    assert done.err.splitlines() == [
        f"gyrovox: warning: {staged} is not what this run wrote; the piece is made again"
    ]
    one, other = (tmp_path / name / "1" for name in ("out", "undisturbed"))
    assert labels_of(one) == labels_of(other)
    found, wanted = files_of(one), files_of(other)
    assert found.keys() == wanted.keys()
    for file in ("tree.json", "overview.png"):
        assert (one / file).read_bytes() == (other / file).read_bytes()
