import numpy as np
import pytest

from gyrovox.volumes import ArraySink, ArraySource, InMemory, Region, slabs


def test_an_array_in_memory_is_a_source_and_a_sink():
    store = InMemory(np.zeros((2, 3, 4, 5), np.int16))
    assert isinstance(store, ArraySource)
    assert isinstance(store, ArraySink)
    assert (store.shape, store.dtype) == ((2, 3, 4, 5), np.dtype(np.int16))


def test_what_is_written_is_read_back_and_belongs_to_the_reader():
    store = InMemory(np.zeros((2, 3, 4, 5), np.int16))
    region = Region((1, 0, 2), (3, 4, 4))
    store.write(region, np.full((2, 2, 4, 2), 7, np.int16))
    seen = store.read(region)
    assert (seen == 7).all()
    seen[:] = 9
    assert (store.read(region) == 7).all()
    assert store.read(Region.whole((3, 4, 5))).sum() == 7 * 2 * 2 * 4 * 2


@pytest.mark.parametrize("max_bytes", [1, 2 * 4 * 5 * 3, 10**9])
def test_slabs_cover_every_voxel_exactly_once_and_keep_the_bound(max_bytes):
    store = InMemory(np.zeros((3, 7, 4, 5), np.int16))
    counts = np.zeros((7, 4, 5), int)
    for region in slabs(store, max_bytes=max_bytes):
        counts[region.slices] += 1
        assert region.shape[0] == 1 or 3 * 2 * np.prod(region.shape) <= max_bytes
    assert (counts == 1).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("max_bytes", [1, 6 * 3 * 5 * 5, 10**9])
def test_slabs_may_have_part_of_the_rows_where_slices_are_large(max_bytes, rows):
    store = InMemory(np.zeros((3, 7, 11, 5), np.int16))
    counts = np.zeros((7, 11, 5), int)
    for region in slabs(store, max_bytes=max_bytes, multiple=3, rows=rows):
        counts[region.slices] += 1
        assert region.start[0] % 3 == region.start[1] % rows == 0
        fits = 3 * 2 * np.prod(region.shape) <= max_bytes
        assert fits or (region.shape[0] <= 3 and region.shape[1] <= rows)
    assert (counts == 1).all()


def test_slices_are_whole_where_they_fit():
    store = InMemory(np.zeros((1, 40, 16, 8), np.uint8))
    found = list(slabs(store, max_bytes=16 * 8 * 16, multiple=16, rows=4))
    assert [region.shape for region in found] == [(16, 16, 8), (16, 16, 8), (8, 16, 8)]
