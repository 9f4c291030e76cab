import numpy as np
import pytest

from gyrovox.napari_plugin import lazy_voxels
from gyrovox.napari_plugin.lazy_voxels import LazyVoxels, shown_voxels
from gyrovox.volumes import InMemory, Volume

ARRAY = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)


class Recording:
    """A source that remembers what was read."""

    def __init__(self, array):
        self._source = InMemory(array)
        self.shape, self.dtype = self._source.shape, self._source.dtype
        self.read_regions = []

    def read(self, region):
        self.read_regions.append((region.start, region.stop))
        return self._source.read(region)


@pytest.fixture
def source():
    return Recording(ARRAY)


@pytest.fixture
def lazy(source):
    return LazyVoxels(Volume(source=source, voxel_size_nm=None, affine=np.eye(4)), channel=1)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        np.int64(2),
        slice(1, 2),
        slice(None, None, -2),
        (slice(3, 1), 0),
        (1, ...),
        (..., 4),
        ...,
        (slice(None), 2, slice(4, 0, -3)),
        (0, 1, 2),
        (slice(None), slice(0, 4, 3), slice(1, 5, 2)),
        ([0, 2],),
        (slice(None), np.array([1, 2])),
        ARRAY[1] > 100,
        True,
    ],
    ids=str,
)
def test_an_index_means_what_it_means_to_numpy(lazy, index):
    expected = ARRAY[1][index]
    found = lazy[index]
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert (found == expected).all()


@pytest.mark.parametrize("index", [3, -4, (0, 0, 5), (0, 0, 0, 0)])
def test_an_index_beyond_the_array_is_refused(lazy, index):
    with pytest.raises(IndexError, match=r"out of range|too many indices"):
        lazy[index]


def test_only_the_box_that_is_looked_at_is_read(lazy, source):
    lazy[1, :, 1:3]
    assert source.read_regions == [((1, 0, 1), (2, 4, 3))]


def test_it_says_what_arrays_say(lazy):
    assert (lazy.shape, lazy.ndim, lazy.size, len(lazy)) == ((3, 4, 5), 3, 60, 3)
    assert lazy.dtype == np.int16
    assert [part.tolist() for part in lazy] == ARRAY[1].tolist()
    assert np.asarray(lazy, np.float32).dtype == np.float32


@pytest.mark.parametrize(("most", "kind"), [(120, np.ndarray), (119, LazyVoxels)])
def test_small_volumes_are_read_at_once(monkeypatch, most, kind):
    monkeypatch.setattr(lazy_voxels, "_MOST_BYTES", most)
    voxels = shown_voxels(Volume.from_array(ARRAY), 1)
    assert isinstance(voxels, kind)
    assert (np.asarray(voxels) == ARRAY[1]).all()
