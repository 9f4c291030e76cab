"""Where the inside of a mask lies, counted part by part."""

import numpy as np
import pytest

from gyrovox.volumes import InMemory, MaskCells, Region, slabs
from gyrovox.volumes.mask_cells import CELL

SHAPE = (70, 33, 64)


@pytest.fixture
def inside():
    """A few voxels in a part of a volume, none of them on its faces."""
    found = np.random.default_rng(0).random(SHAPE) < 0.002
    found[:5] = found[:, 30:] = found[..., :9] = False
    return found


def counted(inside):
    return MaskCells.of([(Region.whole(inside.shape), inside)], inside.shape)


def test_counts_and_bounds_are_those_of_the_voxels(inside):
    cells, places = counted(inside), np.argwhere(inside)
    assert cells.counts.shape == (3, 2, 2)
    assert cells.voxels == len(places) > 50
    wanted = np.zeros((3, 2, 2), int)
    np.add.at(wanted, tuple((places // CELL).T), 1)
    np.testing.assert_array_equal(cells.counts, wanted)
    assert cells.bounds.start == tuple(places.min(axis=0))
    assert cells.bounds.stop == tuple(places.max(axis=0) + 1)
    assert not cells.is_box


@pytest.mark.parametrize("max_bytes", [1, 70 * 64, 5 * 33 * 64])
def test_they_do_not_depend_on_the_parts(inside, max_bytes):
    parts = slabs(InMemory(inside[np.newaxis]), max_bytes=max_bytes, rows=10)
    found = MaskCells.of(((part, inside[part.slices]) for part in parts), inside.shape)
    np.testing.assert_array_equal(found.counts, counted(inside).counts)
    assert found.bounds == counted(inside).bounds


def test_a_box_is_told_from_what_has_a_hole():
    inside = np.zeros(SHAPE, np.bool_)
    inside[3:40, 1:33, 2:50] = True
    assert counted(inside).is_box
    inside[20, 20, 20] = False
    assert not counted(inside).is_box
    assert counted(inside).bounds == Region((3, 1, 2), (40, 33, 50))


def test_of_nothing_the_bounds_are_everything():
    cells = counted(np.zeros(SHAPE, np.bool_))
    assert (cells.voxels, cells.bounds, cells.is_box) == (0, Region.whole(SHAPE), False)
