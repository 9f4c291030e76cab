import math
from dataclasses import replace

import pytest

from gyrovox.clustering.refinement import RIM
from gyrovox.patches import lattice
from gyrovox.patches.texture import HALO
from gyrovox.pipeline import Costs, Machine, planned
from gyrovox.pipeline.cost_model import at_once, makespan, tile_seconds
from gyrovox.volumes import Region

GIB = 2**30
COSTS = Costs(
    start_s=2.0,
    look_s=1e-8,
    stages={"features": 1e-6, "regions": 1e-6, "embed": 1e-6, "leaves": 1e-6},
    noise_s=1e-6,
    graph_s=1e-5,
    tree_s=1.0,
    level_s=1e-8,
    step_s=0.1,
    process_bytes=0.5 * GIB,
    tile_bytes=200.0,
    train_bytes=0.0,
    kept_bytes=12.0,
)
MACHINE = Machine(cores=4, memory_bytes=64 * GIB, disk_bytes=100 * GIB)
LARGE = (512, 512, 512)


def plan(shape=LARGE, machine=MACHINE, costs=COSTS, **asked):
    return planned(costs, shape, machine, files=4, results_bytes=1000, **asked)


def test_time_is_linear_in_voxels_once_there_are_many_tiles():
    once = plan((512, 512, 512), workers=4).seconds["tiles"]
    assert plan((1024, 1024, 512), workers=4).seconds["tiles"] == pytest.approx(4 * once, rel=0.1)


def test_memory_does_not_grow_with_the_volume():
    assert plan((2048, 2048, 2048)).peak_bytes == plan((1024, 1024, 1024)).peak_bytes


def test_a_small_volume_is_one_tile_in_one_process():
    small = plan((100, 100, 100))
    assert (small.tiles, small.tile, small.workers) == (1, (100, 100, 100), 1)
    assert (small.worker_bytes, small.run_bytes) == (0, 0)
    assert small.limit == "tiles"


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_workers_share_the_tiles_and_nothing_else(workers):
    alone, shared = plan(workers=1), plan(workers=workers)
    assert shared.seconds["tiles"] == pytest.approx(alone.seconds["tiles"] / workers, rel=0.1)
    for part in ("look", "stitch", "tree", "write"):
        assert shared.seconds[part] == alone.seconds[part]


@pytest.mark.parametrize(
    ("machine", "shape", "asked", "workers", "limit"),
    [
        (MACHINE, LARGE, None, 4, "cores"),
        (replace(MACHINE, cores=999), LARGE, None, 42, "memory"),
        (replace(MACHINE, cores=999), (256, 256, 256), None, 8, "tiles"),
        (MACHINE, LARGE, 3, 3, "the command"),
        (MACHINE, (256, 256, 256), 30, 8, "tiles"),
        (replace(MACHINE, memory_bytes=GIB), LARGE, None, 1, "memory"),
    ],
)
def test_there_are_as_many_workers_as_there_is_room_for(machine, shape, asked, workers, limit):
    found = plan(shape, machine, workers=asked)
    assert (found.workers, found.limit) == (workers, limit)


def test_what_is_chosen_fits_and_one_more_would_not():
    machine = replace(MACHINE, cores=999)
    chosen = plan(machine=machine)
    assert chosen.peak_bytes <= 0.9 * machine.memory_bytes
    assert plan(machine=machine, workers=chosen.workers + 1).peak_bytes > 0.9 * 64 * GIB


def test_what_there_is_too_little_of_is_said():
    assert plan().lacks == ()
    assert plan(machine=replace(MACHINE, memory_bytes=GIB)).lacks == ("memory",)
    assert plan(machine=replace(MACHINE, disk_bytes=10**9)).lacks == ("disk",)
    assert plan(machine=replace(MACHINE, disk_bytes=None)).lacks == ()


def test_training_counts_where_there_is_any():
    trained = plan(steps=400)
    assert trained.seconds["train"] == pytest.approx(40.0)
    assert "train" not in plan().seconds
    assert trained.seconds["look"] == pytest.approx(2 * plan().seconds["look"])


def test_a_tile_costs_what_is_read_around_it_too():
    inner, whole = Region((128, 128, 128), (256, 256, 256)), Region.whole((128, 128, 128))
    around = 128 + 2 * (HALO + RIM)
    assert tile_seconds({"features": 1.0}, inner, LARGE) == around**3
    assert tile_seconds({"embed": 1.0}, inner, LARGE) == 128**3
    assert tile_seconds({"features": 1.0}, whole, (128, 128, 128)) == 128**3


def test_what_tiles_make_again_a_whole_volume_makes_once():
    assert at_once({"features": 2.0, "embed": 1.0}) == {"features": 1.0, "embed": 1.0}
    assert at_once({"smooth": 2.0, "embed": 3.0}) == {"smooth": 1.0, "embed": 1.0}
    assert "noise" not in plan((100, 100, 100)).seconds


def test_the_work_is_done_no_sooner_than_can_be():
    seconds = [3.0, 1.0, 2.0, 2.0]
    assert makespan(seconds, 1) == 8.0
    assert makespan(seconds, 2) == 5.0
    assert makespan(seconds, 9) == 3.0
    assert makespan([], 2) == 0.0


def test_the_table_says_what_and_why():
    text = plan(steps=10).table()
    lines = {line.split("  ")[0]: line for line in text.splitlines() if not line.startswith(" ")}
    assert list(lines) == ["volume", "tiles", "workers", "time", "peak memory", "disk"]
    assert "512 x 512 x 512 voxels (z, y, x)" in lines["volume"]
    assert f"{len(lattice(LARGE))} of at most 128 x 128 x 128 voxels" in lines["tiles"]
    assert "4 (limited by cores)" in lines["workers"]
    assert "68.7 GB free" in lines["peak memory"]
    assert plan().total_s == pytest.approx(math.fsum(plan().seconds.values()))
