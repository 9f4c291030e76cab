"""Specks and holes in tiles: exactly what cleaning the whole gives."""

import numpy as np
import pytest

from gyrovox.clustering import clean_labels
from gyrovox.execution import Processes
from gyrovox.pipeline import LookedUp, cleaned_labels
from gyrovox.segmentation import Cleaning
from gyrovox.volumes import Region

CLEANINGS = {
    "specks": Cleaning(smallest_nm3=8 * 40.0),
    "holes": Cleaning(fill_holes_nm3=8 * 200.0),
    "largest": Cleaning(largest_component=True),
    "all": Cleaning(smallest_nm3=8 * 90.0, fill_holes_nm3=8 * 30.0, largest_component=True),
}


@pytest.fixture(scope="module")
def labels(phantom):
    """Grey values cut into five classes: specks, holes, and pieces that cross tiles."""
    smooth = phantom[0]
    for axis in range(3):
        smooth = smooth + np.roll(smooth, 1, axis) + np.roll(smooth, -1, axis)
    return np.searchsorted(np.quantile(smooth, [0.2, 0.4, 0.6, 0.8]), smooth).astype(np.uint8)


@pytest.fixture
def stored(tmp_path):
    """Labels as a source whose tiles lie in files."""

    def store(job, array):
        folder = tmp_path / "labels"
        folder.mkdir(exist_ok=True)
        files = [folder / f"{number}.npz" for number in range(len(job.tiles))]
        for file, tile in zip(files, job.tiles, strict=True):
            np.savez(file, labels=array[tile.slices].astype(np.int32))
        table = np.append(np.arange(int(array.max()) + 1), 0).astype(array.dtype)
        return LookedUp(job.shape, job.tiles, files, [table] * len(files))

    return store


def cleaned(job, labels, cleaning, place):
    looked_up = cleaned_labels(job, labels, cleaning, place, stage="specks")
    entries = np.arange(int(labels.read(Region.whole(job.shape)).max()) + 1, dtype=labels.dtype)
    return looked_up(entries).read(Region.whole(job.shape))[0]


@pytest.mark.parametrize("name", CLEANINGS)
@pytest.mark.parametrize("masked", [False, True])
def test_tiles_are_cleaned_as_the_whole(room, phantom, place_of, labels, stored, name, masked):  # noqa: PLR0917
    inside = phantom[0] > np.quantile(phantom[0], 0.2) if masked else None
    array = np.where(inside, labels + 1, 0).astype(np.uint8) if masked else labels
    job = room.job(phantom[:1], inside=inside)
    found = cleaned(job, stored(job, array), CLEANINGS[name], place_of(job))
    wanted = CLEANINGS[name].cleaned(array, voxel_size_nm=(2.0, 2.0, 2.0), inside=inside)
    np.testing.assert_array_equal(found, wanted)
    assert (wanted != array).any()


def test_sizes_are_in_voxels_where_theirs_is_unknown(room, phantom, place_of, labels, stored):
    job = room.job(phantom[:1], voxel_size_nm=None)
    found = cleaned(job, stored(job, labels), Cleaning(smallest_nm3=40.0), place_of(job))
    np.testing.assert_array_equal(found, clean_labels(labels, smallest=40))


def test_what_hangs_on_the_labels_follows_them(room, phantom, place_of, labels, stored):
    job = room.job(phantom[:1])
    looked_up = cleaned_labels(
        job, stored(job, labels), CLEANINGS["specks"], place_of(job), stage="specks"
    )
    coarse = np.array([1, 0, 0, 2, 700], np.uint16)
    wanted = clean_labels(labels, smallest=40)
    found = looked_up(coarse)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found.read(Region.whole(job.shape))[0], coarse[wanted])


def test_whoever_works_in_whatever_order_leaves_the_same_bytes(  # noqa: PLR0917
    room, phantom, place_of, labels, stored, backwards, tile_bytes
):
    jobs = [room.job(phantom[:1]) for _ in range(3)]
    cleaned(jobs[0], stored(jobs[0], labels), CLEANINGS["all"], place_of(jobs[0]))
    cleaned(jobs[1], stored(jobs[1], labels), CLEANINGS["all"], place_of(jobs[1], backwards))
    with Processes(2, 1) as crew:
        cleaned(jobs[2], stored(jobs[2], labels), CLEANINGS["all"], place_of(jobs[2], crew))
    one, other, several = (tile_bytes(job) for job in jobs)
    assert len(one) == 8
    assert one == other == several
