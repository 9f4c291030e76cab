"""What `gyrovox segment` leaves of a volume that is cut into tiles."""

import contextlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from gyrovox import io, report
from gyrovox.cli import main, tiled_results
from gyrovox.cli.tiled_results import is_cut, kept_bytes
from gyrovox.execution import Ledger
from gyrovox.patches import WHOLE
from gyrovox.pipeline import run_folder
from gyrovox.segmentation import Cleaning
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume
from gyrovox.volumes.phantom_cell import cell_phantom

SHAPE = (44, 46, 45)  # 8 tiles, of 32 and of what is left
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


@pytest.fixture(scope="session")
def plain_words(large_file, model_file):
    """Segment the volume in tiles, one after the other."""
    options = ("--levels", "2", "6", "--tile", "32", "--quiet", "-o")
    return ("segment", str(large_file), "-m", str(model_file), *options)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, plain_words):
    """Results that nothing came in the way of."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.raises(SystemExit) as leave:
        main([*plain_words, str(folder)])
    assert leave.value.code == 0
    return folder


def label_bytes(output):
    """Labels as MRC keeps them, behind a header that holds the time."""
    return [(output / "large" / f"level-{k}.mrc").read_bytes()[1024:] for k in (2, 6)]


def test_it_leaves_what_a_volume_in_one_piece_leaves(undisturbed, large_file):
    assert names(undisturbed) == ["large"]
    folder = undisturbed / "large"
    assert names(folder) == [
        "leaves.mrc",
        "level-2.mrc",
        "level-6.mrc",
        "model.safetensors",
        "overview.png",
        "report.html",
        "run.json",
        "tree.json",
    ]
    tree, found = io.read_tree(folder / "tree.json"), levels_in(folder, 2, 6)
    for k, labels in found.items():
        np.testing.assert_array_equal(labels, tree.cut(k).labels)
        assert len(np.unique(labels)) == k
        assert io.read(folder / f"level-{k}.mrc").voxel_size_nm == NM
    assert matplotlib.image.imread(folder / "overview.png").shape[0] > 500
    record = json.loads((folder / "run.json").read_text())
    assert record["levels"] == [2, 6]
    assert record["tile"] == 32
    assert "tiles of 32 voxels a side" in (folder / "report.html").read_text(encoding="utf-8")
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
    flags = ("--smallest", "400", "--fill-holes", "4000", "--largest-component")
    folder = segment(*words, *flags)
    tree, clean = io.read_tree(folder / "tree.json"), levels_in(folder, 2, 12)
    plain = {k: tree.cut(k).labels for k in (2, 12)}
    cleaning = Cleaning(smallest_nm3=400.0, fill_holes_nm3=4000.0, largest_component=True)
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
    image = np.random.default_rng(0).normal(0, 0.2, (*SHAPE[:2], 66)).astype(np.float32)
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
    inside = large_image > np.quantile(large_image, 0.7)
    mask = write(inside.astype(np.float32), "mask.mrc", voxel_size_nm=NM)
    words = ("--clustering", "kmeans", "--smoothing", "0", "--levels", "2", "4", "--mask", mask)
    plain = segment(*words, output="plain")
    assert "tree.json" not in names(plain)
    clean = levels_in(segment(*words, "--smallest", "800", output="clean"), 2, 4)
    for k, labels in levels_in(plain, 2, 4).items():
        np.testing.assert_array_equal(labels > 0, inside)
        wanted = Cleaning(smallest_nm3=800.0).cleaned(labels, voxel_size_nm=NM, inside=inside)
        np.testing.assert_array_equal(clean[k], wanted)


def test_a_mask_that_holds_everything_is_none(segment, write, large_image, undisturbed):
    mask = write(np.ones_like(large_image), "mask.mrc", voxel_size_nm=NM)
    masked = segment("--levels", "6", "--mask", mask)
    for name in ("level-6.mrc", "leaves.mrc"):
        plain = (undisturbed / "large" / name).read_bytes()
        assert plain[1024:] == (masked / name).read_bytes()[1024:]


def test_a_volume_of_one_tile_is_segmented_as_without_tiles(
    run, phantom_file, model_file, tmp_path
):
    words = ("segment", phantom_file, "-m", model_file, "--levels", "2", "6", "--quiet", "-o")
    assert run(*words, tmp_path / "whole").code == 0
    assert run(*words, tmp_path / "tile", "--tile", "32").code == 0
    whole, tile = (levels_in(tmp_path / name / "cell", 2, 6) for name in ("whole", "tile"))
    for k in (2, 6):
        np.testing.assert_array_equal(whole[k], tile[k])


def test_the_picture_is_of_a_few_voxels_and_speaks_of_all(  # noqa: PLR0917
    run, write, large_image, model_file, tmp_path, monkeypatch
):
    drawn, image = {}, large_image[:20, :24]
    words = ("-m", model_file, "--levels", "2", "--tile", "32", "--quiet", "-o", tmp_path)

    def noted(volume, levels, _path, **options):
        drawn.update(options, volume=volume, levels=levels)

    monkeypatch.setattr(report, "overview", noted)
    monkeypatch.setattr(tiled_results, "_SEEN", 16)
    assert run("segment", write(image, "in/one.mrc", voxel_size_nm=NM), *words).code == 0
    found = levels_in(tmp_path / "one", 2)
    np.testing.assert_array_equal(drawn["volume"].read()[0], image[::3, ::3, ::3])
    np.testing.assert_array_equal(drawn["levels"][2], found[2][::3, ::3, ::3])
    assert drawn["volume"].voxel_size_nm == (6.0, 6.0, 6.0)
    assert drawn["whole"].spatial_shape == image.shape
    assert (drawn["whole"].voxel_size_nm, drawn["caption"]) == (NM, "every 3 voxels")


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


def test_a_volume_is_cut_where_it_is_large_or_it_is_asked_for():
    large, small = (
        Volume(
            source=Nothing((1, 1, 1, voxels), np.dtype(np.uint8)),
            voxel_size_nm=None,
            affine=np.eye(4),
        )
        for voxels in (WHOLE + 1, WHOLE)
    )
    assert is_cut(large, None)
    assert not is_cut(small, None)
    assert is_cut(small, 32)


@dataclass(frozen=True)
class Nothing:
    """A shape without voxels."""

    shape: tuple[int, int, int, int]
    dtype: np.dtype

    def read(self, region):
        raise AssertionError(region)


RUN = ".segment.gyrovox-run"


@pytest.fixture
def after(monkeypatch):
    """Let something happen when so many pieces of a stage are written down; they are counted."""

    @contextlib.contextmanager
    def watched(stage, count=0, action=None):
        pieces, record = [], Ledger.record

        def noted(ledger, its_stage, *arguments):
            record(ledger, its_stage, *arguments)
            pieces.extend([1] * (its_stage == stage))
            if its_stage == stage and len(pieces) == count:
                action()

        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "record", noted)
            yield pieces

    return watched


@pytest.fixture
def disk(tmp_path):
    """A disk of 80 MB, and what makes it larger."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True
        )

    try:
        mount("size=80m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount no small disk")
    try:
        yield place, lambda: mount("remount,size=160m")
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def fill(folder):
    """Leave no byte of a disk to others."""
    with (folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(2**20))
    with (folder / "ballast").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"0")


@pytest.mark.parametrize(("stage", "count", "missing"), [("regions", 3, 5), ("tree", 1, 0)])
def test_a_disk_that_fills_up_costs_nothing_that_is_finished(  # noqa: PLR0917
    run, disk, after, plain_words, undisturbed, stage, count, missing
):
    place, enlarge = disk
    output = place / "out"
    with after(stage, count, lambda: fill(place)):
        done = run(*plain_words, output)
    assert (done.code, done.err.count("\n")) == (1, 1), done.err
    assert re.match(r"gyrovox: .*disk must have room.* \(0 MB are left\)\. ", done.err), done.err
    assert "free some space, and" in done.err
    assert names(output) == [RUN]
    enlarge()
    with after("regions") as pieces:
        done = run(*plain_words, output)
    assert (done.code, done.err) == (0, "")
    assert len(pieces) == missing
    assert label_bytes(output) == label_bytes(undisturbed)
    assert names(output) == ["large"]


def test_a_tile_that_the_disk_damaged_is_said_and_made_again(
    run, after, plain_words, undisturbed, tmp_path
):
    def stop():
        raise KeyboardInterrupt

    with after("leaves", 4, stop):
        assert run(*plain_words, tmp_path).code == 130
    folder = tmp_path / RUN / "tiles-0"
    tiles = [folder / "regions" / "1.npz", folder / "leaves" / "2.npz"]
    for tile in tiles:
        content = bytearray(tile.read_bytes())
        content[len(content) // 2] ^= 1
        tile.write_bytes(content)
    with after("regions") as regions, after("leaves") as leaves:
        done = run(*plain_words, tmp_path)
    assert done.code == 0
    assert done.err.splitlines() == [
        f"gyrovox: warning: {tile} is not what this run wrote; the piece is made again"
        for tile in tiles
    ]
    assert (len(regions), len(leaves)) == (1, 5)
    assert label_bytes(tmp_path) == label_bytes(undisturbed)


@pytest.mark.slow
def test_a_worker_of_a_cluster_that_is_killed_changes_nothing(
    run, plain_words, undisturbed, tmp_path
):
    dask = pytest.importorskip("dask", reason="needs the extra `cluster`")
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    ledger = tmp_path / RUN / "tiles-0" / "ledger.jsonl"
    killed = {}
    quick = {
        # After so long without its worker, dask gives a nanny up, be it about to start another.
        "distributed.deploy.lost-worker-timeout": "1h",
        # A killed worker is not called for half a minute.
        "distributed.comm.timeouts.connect": "2s",
    }
    with (
        dask.config.set(quick),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
    ):
        first = cluster.workers[0].pid

        def kill():
            until = time.monotonic() + 60
            while not (ledger.exists() and b'"regions"' in ledger.read_bytes()):
                assert time.monotonic() < until, "no tile was finished"
                time.sleep(0.005)
            os.kill(first, signal.SIGKILL)
            killed["tiles"] = ledger.read_bytes().count(b'"regions"')

        killer = threading.Thread(target=kill)
        killer.start()
        done = run(*plain_words[:-1], "--scheduler", cluster.scheduler_address, "-o", tmp_path)
        killer.join()
    assert (done.code, done.err) == (0, "")
    assert 1 <= killed["tiles"] < 8
    assert label_bytes(tmp_path) == label_bytes(undisturbed)
    assert names(tmp_path) == ["large"]


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
def test_after_twenty_kills_the_labels_are_the_same(run, plain_words, tmp_path):
    words = [*plain_words[:-1], "--smallest", "800"]
    assert run(*words, "-o", tmp_path / "calm").code == 0
    calm, stormy = label_bytes(tmp_path / "calm"), tmp_path / "stormy"
    command = [sys.executable, "-m", "gyrovox", *words, "--workers", "2", "--threads", "2", "-o"]
    ledger = run_folder(stormy / "segment") / "ledger.jsonl"
    draw = random.Random(0)
    driver = subprocess.Popen([*command, stormy])
    for kill in range(20):
        # Never four workers of one driver: a tile that takes down so many is given up.
        while not (alive := a_worker_of(driver, after_s=draw.uniform(0.0, 1.0), once=ledger)):
            assert driver.returncode == 0
            assert label_bytes(stormy) == calm
            shutil.rmtree(stormy)  # it was faster than we: once more
            driver = subprocess.Popen([*command, stormy])
        if kill % 4 == 3:
            driver.kill()
            driver.wait()
            driver = subprocess.Popen([*command, stormy])
        else:
            with contextlib.suppress(ProcessLookupError):  # it may just have been let go
                os.kill(draw.choice(alive), signal.SIGKILL)
    assert driver.wait(timeout=300) == 0  # seconds, of a machine that may be busy
    assert label_bytes(stormy) == calm
    assert names(stormy) == ["large"]
