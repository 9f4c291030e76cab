import os
import signal

import numpy as np
import pytest

from gyrovox.errors import DamagedPieceWarning
from gyrovox.execution import Contents, Processes, StageTimes
from gyrovox.pipeline.workplace import kept, written


class Numbered:
    """Writes the number of a tile, and remembers which it was asked for."""

    def __init__(self, job):
        self.job, self.asked = job, []

    def __call__(self, tile):
        self.asked.append(tile)
        times = StageTimes()
        with times.measure("count", 10):
            arrays = {"number": np.asarray(tile), "labels": np.zeros(9), "labels-2": np.ones(9)}
        return written(self.job.file("count", tile), arrays, times)


@pytest.fixture
def job(room, phantom):
    return room.job(phantom)


def numbers(job):
    return [int(left["number"]) for _, left in kept(job, "count")]


def test_every_tile_is_done_once_and_never_again(job, place_of):
    task = Numbered(job)
    place_of(job).each_tile(task, "count", job)
    assert task.asked == list(range(8)) == numbers(job)
    again = place_of(job)
    again.each_tile(task, "count", job)
    assert len(task.asked) == 8
    assert again.times.spent == ()


def test_what_it_took_is_collected(job, place_of):
    place = place_of(job)
    place.each_tile(Numbered(job), "count", job)
    assert [one.stage for one in place.times.spent] == ["count", "write"] * 8


def test_only_what_is_absent_or_damaged_is_made_again(job, place_of):
    place_of(job).each_tile(Numbered(job), "count", job)
    job.file("count", 3).unlink()
    job.file("count", 6).write_bytes(job.file("count", 7).read_bytes())
    task = Numbered(job)
    with pytest.warns(DamagedPieceWarning, match="the piece is made again"):
        place_of(job).each_tile(task, "count", job)
    assert task.asked == [3, 6]
    assert numbers(job) == list(range(8))


def test_it_stops_after_the_tile_at_hand(job, place_of):
    class Interrupted(Numbered):
        def __call__(self, tile):
            if tile == 4:
                os.kill(os.getpid(), signal.SIGINT)
            return super().__call__(tile)

    task = Interrupted(job)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on with the tiles"):
        place_of(job).each_tile(task, "count", job)
    assert task.asked == [0, 1, 2, 3, 4]
    rest = Numbered(job)
    place_of(job).each_tile(rest, "count", job)
    assert rest.asked == [5, 6, 7]


def test_what_is_there_a_number_of_for_each_voxel_is_left_where_it_is(job, place_of):
    place_of(job).each_tile(Numbered(job), "count", job)
    for number, (tile, left) in enumerate(kept(job, "count")):
        assert tile == job.tiles[number]
        assert left.keys() == {"number"}


def test_once_is_once(job, place_of):
    made = []

    def make():
        made.append(1)
        return {"a": np.arange(3), "b": np.eye(2)}

    for _ in range(2):
        found = place_of(job).once("noise", "units", make)
        np.testing.assert_array_equal(found["a"], [0, 1, 2])
        np.testing.assert_array_equal(found["b"], np.eye(2))
    assert made == [1]


def test_a_volume_that_may_not_be_read_is_not_a_folder_that_may_not_be_written(job, place_of):
    def make():
        raise PermissionError("the volume may not be read")

    with pytest.raises(PermissionError, match=r"^the volume may not be read$"):
        place_of(job).once("noise", "units", make)


def test_a_piece_is_the_same_bytes_whenever_it_is_written(tmp_path):
    arrays = {"b": np.arange(1000), "a": np.ones((3, 4), np.float32)}
    one, other = (
        written(tmp_path / name / "0.npz", arrays, StageTimes()) for name in ("one", "other")
    )
    assert one.contents == other.contents == Contents.of(one.path)
    assert one.path.read_bytes() == other.path.read_bytes()
    assert [spent.stage for spent in one.spent] == ["write"]


def test_an_error_of_a_task_is_the_callers(job, place_of):
    with Processes(2, 1) as crew, pytest.raises(ZeroDivisionError):
        place_of(job, crew).each_tile(fails, "count", job)


def fails(tile):
    return 1 // (tile - tile)
