"""What `gyrovox segment` leaves of a volume that is cut into tiles."""

import contextlib
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from gyrovox import io
from gyrovox.cli.tiled_results import kept_bytes
from gyrovox.pipeline import run_folder
from gyrovox.segmentation import Cleaning
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

SHAPE = (64, 68, 66)  # 8 tiles of 32
NM = (2.0, 2.0, 2.0)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def levels_in(folder, *counts):
    return {k: io.read(folder / f"level-{k}.mrc").read()[0].astype(np.uint8) for k in counts}


@pytest.fixture(scope="session")
def large_image():
    return cell_phantom(201, shape=SHAPE).image


@pytest.fixture(scope="session")
def large_file(tmp_path_factory, large_image):
    """A volume in 8 tiles, as MRC."""
    path = tmp_path_factory.mktemp("large") / "large.mrc"
    io.write(Volume.from_array(large_image, voxel_size_nm=NM), path)
    return path


@pytest.fixture
def segment(run, large_file, model_file, tmp_path):
    """Segment the volume in tiles; the folder of its results."""

    def call(*words, output="out"):
        options = ("-m", model_file, "--tile", "32", "--quiet", "-o", tmp_path / output)
        done = run("segment", large_file, *options, *words)
        assert (done.code, done.err) == (0, ""), done.err
        assert names(tmp_path / output) == ["large"]
        return tmp_path / output / "large"

    return call


def test_it_leaves_what_a_volume_in_one_piece_leaves(segment, large_file):
    folder = segment("--levels", "2", "5")
    assert names(folder) == [
        "leaves.mrc",
        "level-2.mrc",
        "level-5.mrc",
        "model.safetensors",
        "overview.png",
        "run.json",
        "tree.json",
    ]
    tree, found = io.read_tree(folder / "tree.json"), levels_in(folder, 2, 5)
    for k, labels in found.items():
        np.testing.assert_array_equal(labels, tree.cut(k).labels)
        assert len(np.unique(labels)) == k
        assert io.read(folder / f"level-{k}.mrc").voxel_size_nm == NM
    assert matplotlib.image.imread(folder / "overview.png").shape[0] > 500
    record = json.loads((folder / "run.json").read_text())
    assert record["levels"] == [2, 5]
    assert record["inputs"][0]["path"] == str(large_file)
    assert record["timings_s"].keys() >= {"check", "look", "segment", "write", "overview"}


def test_a_tree_may_choose_the_levels(segment):
    folder = segment("--levels", "auto")
    wanted = io.read_tree(folder / "tree.json").suggested_levels()
    assert json.loads((folder / "run.json").read_text())["levels"] == list(wanted)


@pytest.mark.parametrize("masked", [False, True])
def test_levels_are_cleaned_as_those_of_the_whole_and_stay_nested(
    segment, write, large_image, masked
):
    words = ["--levels", "2", "12"]
    inside = large_image > np.quantile(large_image, 0.2) if masked else None
    if masked:
        words += ["--mask", str(write(inside.astype(np.float32), "mask.mrc", voxel_size_nm=NM))]
    plain = levels_in(segment(*words, output="plain"), 2, 12)
    flags = ("--smallest", "4000", "--fill-holes", "400", "--largest-component")
    clean = levels_in(segment(*words, *flags, output="clean"), 2, 12)
    cleaning = Cleaning(smallest_nm3=4000.0, fill_holes_nm3=400.0, largest_component=True)
    np.testing.assert_array_equal(
        clean[12], cleaning.cleaned(plain[12], voxel_size_nm=NM, inside=inside)
    )
    assert (clean[12] != plain[12]).any()
    parents = np.zeros(14, np.uint8)
    parents[plain[12]] = plain[2]
    np.testing.assert_array_equal(clean[2], parents[clean[12]])


def test_the_largest_fine_class_need_not_lie_in_the_largest_coarse_one(
    run, write, model_file, tmp_path
):
    # Bands of 14 that are alike, together larger than the rest, each smaller than it.
    image = np.random.default_rng(0).normal(0, 0.2, SHAPE).astype(np.float32)
    for band in range(5):
        image[:, :, 8 * band : 8 * band + 8] += 14 + 1.5 * band
    volume = write(image, "large.mrc", voxel_size_nm=NM)
    words = ("segment", volume, "-m", model_file, "--tile", "32", "--quiet", "--levels", "2", "6")
    assert run(*words, "--smallest", "8", "-o", tmp_path / "out").code == 0
    found = levels_in(tmp_path / "out" / "large", 2, 6)
    assert (found[6] == 0).sum() > 1000
    np.testing.assert_array_equal(np.unique(found[2][found[6] == 0]), [1])
    assert (found[2] == 1).sum() < found[2].size / 2


def test_kmeans_is_cleaned_level_by_level(segment, write, large_image):
    inside = large_image > np.quantile(large_image, 0.2)
    mask = write(inside.astype(np.float32), "mask.mrc", voxel_size_nm=NM)
    words = ("--clustering", "kmeans", "--smoothing", "0", "--levels", "2", "4", "--mask", mask)
    plain = segment(*words, output="plain")
    assert "tree.json" not in names(plain)
    clean = levels_in(segment(*words, "--smallest", "800", output="clean"), 2, 4)
    for k, labels in levels_in(plain, 2, 4).items():
        np.testing.assert_array_equal(labels > 0, inside)
        wanted = Cleaning(smallest_nm3=800.0).cleaned(labels, voxel_size_nm=NM, inside=inside)
        np.testing.assert_array_equal(clean[k], wanted)


def test_a_mask_that_holds_everything_is_none(segment, write, large_image):
    mask = write(np.ones_like(large_image), "mask.mrc", voxel_size_nm=NM)
    plain, masked = segment("--levels", "3"), segment("--levels", "3", "--mask", mask, output="m")
    for name in ("level-3.mrc", "leaves.mrc"):
        assert (plain / name).read_bytes()[1024:] == (masked / name).read_bytes()[1024:]


def test_a_volume_of_one_tile_is_segmented_as_without_tiles(
    run, phantom_file, model_file, tmp_path
):
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "6", "--quiet", "-o")
    assert run(*words, tmp_path / "whole").code == 0
    assert run(*words, tmp_path / "tile", "--tile", "32").code == 0
    whole, tile = (levels_in(tmp_path / name / "cell", 2, 6) for name in ("whole", "tile"))
    for k in (2, 6):
        np.testing.assert_array_equal(whole[k], tile[k])


@pytest.mark.parametrize(("words", "bytes_each"), [
    ({}, 8),
    ({"cleaned": True}, 12),
    ({"clustering": "kmeans"}, 12),
    ({"clustering": "kmeans", "cleaned": True}, 24),
])  # fmt: skip
def test_tiles_need_room_beside_the_results(words, bytes_each):
    settings = SegmentationSettings(clustering=words.get("clustering", "tree"))
    cleaning = Cleaning(largest_component=words.get("cleaned", False))
    volumes = [Volume.from_array(np.zeros(shape, np.uint8)) for shape in ((4, 5, 6), (7, 8, 9))]
    found = kept_bytes(volumes, (2, 4, 8), settings, cleaning)
    assert found == bytes_each * math.prod((7, 8, 9))
    assert kept_bytes([], (2, 4, 8), settings, cleaning) == 0


def children(pid):
    """Processes that a process has started, on Linux."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found


def is_worker(pid):
    """Whether a process works on tiles, and does not only look after shared memory."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def a_worker_of(driver, *, after_s, once):
    """Workers of a process that has begun its run, some time from now; none if it ended."""
    time.sleep(after_s)
    while driver.poll() is None:
        alive = [pid for pid in children(driver.pid) if is_worker(pid)]
        if alive and once.exists():
            return alive
        time.sleep(0.02)
    return []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="workers are found as Linux lists processes")
def test_after_twenty_kills_the_labels_are_the_same(large_file, model_file, tmp_path):
    command = [sys.executable, "-m", "gyrovox", "segment", large_file, "-m", model_file]
    command += ["--levels", "2", "6", "--tile", "32", "--workers", "2", "--threads", "2"]
    command += ["--smallest", "800", "--quiet", "-o"]

    def left(output):
        return [(output / "large" / f"level-{k}.mrc").read_bytes()[1024:] for k in (2, 6)]

    subprocess.run([*command, tmp_path / "calm"], check=True, timeout=60)
    calm, stormy = left(tmp_path / "calm"), tmp_path / "stormy"
    ledger = run_folder(stormy / "segment") / "ledger.jsonl"
    draw = random.Random(0)
    driver = subprocess.Popen([*command, stormy])
    for kill in range(20):
        # Never four workers of one driver: a tile that takes down so many is given up.
        while not (alive := a_worker_of(driver, after_s=draw.uniform(0.0, 1.0), once=ledger)):
            assert driver.returncode == 0
            assert left(stormy) == calm
            shutil.rmtree(stormy)  # it was faster than we: once more
            driver = subprocess.Popen([*command, stormy])
        if kill % 3 == 2:
            driver.kill()
            driver.wait()
            driver = subprocess.Popen([*command, stormy])
        else:
            with contextlib.suppress(ProcessLookupError):  # it may just have been let go
                os.kill(draw.choice(alive), signal.SIGKILL)
    assert driver.wait(timeout=60) == 0
    assert left(stormy) == calm
    assert names(stormy) == ["large"]
