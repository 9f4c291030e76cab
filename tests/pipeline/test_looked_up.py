import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gyrovox.patches import lattice
from gyrovox.pipeline import LookedUp
from gyrovox.pipeline.looked_up import inside_of, mapped, shared
from gyrovox.volumes import ArraySource, Region

SHAPE = (13, 20, 19)


def regions(shape=SHAPE):
    """Boxes in a volume, of at least a voxel."""
    spans = [
        st.integers(0, length - 1).flatmap(
            lambda first, length=length: st.tuples(st.just(first), st.integers(first + 1, length))
        )
        for length in shape
    ]
    return st.tuples(*spans).map(lambda box: Region(*zip(*box, strict=True)))


@pytest.fixture(scope="module")
def tiled(tmp_path_factory):
    """Labels of tiles in files, tables of each, and what every voxel stands for."""
    folder = tmp_path_factory.mktemp("tiles")
    generator = np.random.default_rng(0)
    tiles, files, tables = lattice(SHAPE, 8), [], []
    assert len(tiles) >= 8
    whole = np.zeros(SHAPE, np.uint16)
    for number, tile in enumerate(tiles):
        count = int(generator.integers(1, 9))
        labels = generator.integers(-1, count, tile.shape).astype(np.int32)
        tables.append(generator.integers(0, 2**16, count + 1).astype(np.uint16))
        files.append(folder / f"{number}.npz")
        np.savez(files[-1], other=np.zeros(number), labels=labels, last=np.ones(3))
        whole[tile.slices] = tables[-1][labels]
    return LookedUp(SHAPE, tiles, files, tables), whole


@given(region=regions())
@settings(max_examples=60)
def test_a_region_is_that_part_of_the_whole(tiled, region):
    source, whole = tiled
    found = source.read(region)
    np.testing.assert_array_equal(found, whole[np.newaxis, *region.slices])
    assert found.dtype == source.dtype == np.uint16
    assert found.flags.writeable


def test_it_is_a_source_of_one_channel(tiled):
    source, whole = tiled
    assert isinstance(source, ArraySource)
    assert source.shape == (1, *whole.shape)


def test_what_a_reader_does_to_its_array_stays_there(tiled):
    source, whole = tiled
    source.read(Region.whole(SHAPE))[:] = 0
    np.testing.assert_array_equal(source.read(Region.whole(SHAPE))[0], whole)


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_of_a_file_is_what_numpy_reads(tmp_path, order):
    arrays = {
        "a-long-name-of-an-array": np.arange(7),
        "labels": np.asarray(np.arange(24).reshape(2, 3, 4), np.int32, order=order),
        "text": np.array(["a", "bc"]),
    }
    np.savez(tmp_path / "some.npz", **arrays)
    for name, array in arrays.items():
        found = mapped(tmp_path / "some.npz", name)
        assert isinstance(found, np.memmap)
        np.testing.assert_array_equal(found, array)


@given(one=regions(), other=regions())
def test_what_regions_share_is_what_lies_in_both(one, other):
    covered = np.zeros(SHAPE, int)
    covered[one.slices] += 1
    covered[other.slices] += 1
    common = shared(one, other)
    assert common == shared(other, one)
    if common is None:
        assert covered.max() == 1
        return
    found = np.zeros(SHAPE, int)
    found[one.slices][inside_of(one, common)] = 2
    np.testing.assert_array_equal(found == 2, covered == 2)
