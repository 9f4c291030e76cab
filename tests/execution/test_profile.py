import pickle
import subprocess
import sys
import textwrap

import pytest

from gyrovox.execution import Processes, Spent, StageTimes, peak_memory_bytes


def test_a_block_is_measured_even_if_an_error_ends_it():
    times = StageTimes()
    with times.measure("embed", voxels=1000):
        pass
    with pytest.raises(ZeroDivisionError), times.measure("merge"):
        _ = 1 / 0
    embed, merge = times.spent
    assert (embed.stage, embed.voxels, merge.stage, merge.voxels) == ("embed", 1000, "merge", 0)
    assert 0 <= embed.seconds < 1
    assert embed.peak_bytes > 10_000_000


def test_what_workers_measured_is_added():
    times = StageTimes()
    with Processes(1, 1) as executor:
        for _, spent in executor.map(spending, [1, 2]):
            times.add(*spent)
    assert [one.stage for one in times.spent] == ["read", "embed", "read", "embed"]
    assert pickle.loads(pickle.dumps(times.spent)) == times.spent


def spending(item):
    times = StageTimes()
    with times.measure("read", item):
        pass
    with times.measure("embed", item):
        pass
    return times.spent


def test_the_table_adds_up_what_belongs_together():
    times = StageTimes()
    times.add(
        Spent("embed", 3.0, 6_000_000, 500_000_000),
        Spent("regions", 0.5, 3_000_000, 900_000_000),
        Spent("embed", 6.0, 3_000_000, 400_000_000),
        Spent("merges", 0.5, 0, 0),
    )
    assert times.table() == textwrap.dedent("""\
        stage    pieces   time  share  voxels/s  peak memory
        embed         2  9.0 s   90 %       1 M       500 MB
        regions       1  0.5 s    5 %       6 M       900 MB
        merges        1  0.5 s    5 %
        all           4   10 s  100 %                 900 MB""")


def test_a_table_of_nothing_is_a_head_and_an_end():
    head, end = StageTimes().table().splitlines()
    assert head.split() == ["stage", "pieces", "time", "share", "voxels/s", "peak", "memory"]
    assert end.split() == ["all", "0", "0.0", "s"]


def test_memory_is_that_of_this_process_and_not_of_the_one_that_started_it():
    if sys.platform != "linux":
        pytest.skip("only Linux tells the two apart")
    ballast = bytearray(400_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    script = "from gyrovox.execution import peak_memory_bytes; print(peak_memory_bytes())"
    found = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert peak_memory_bytes() > 400_000_000
    assert 5_000_000 < int(found.stdout) < 200_000_000


def test_the_peak_stays_when_memory_is_let_go():
    before = peak_memory_bytes()
    ballast = bytearray(200_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    during = peak_memory_bytes()
    del ballast
    assert peak_memory_bytes() >= during >= before
