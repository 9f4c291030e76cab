import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gyrovox.inference.dense import TILE
from gyrovox.patches import lattice, pieces, tiles
from gyrovox.volumes import Region

lengths = st.integers(1, 40)


@given(shape=st.tuples(lengths, lengths, lengths), side=st.integers(1, 50))
def test_every_voxel_is_in_one_tile(shape, side):
    covered = np.zeros(shape, dtype=int)
    for tile in tiles(shape, side):
        covered[tile.slices] += 1
    assert (covered == 1).all()


@given(length=st.integers(1, 5000), side=st.integers(1, 128))
def test_tiles_are_about_as_wide_as_asked_and_equal(length, side):
    widths = [tile.shape[0] for tile in tiles((length, 1, 1), side)]
    assert max(widths) - min(widths) <= 1
    assert max(widths) <= 1.5 * side + 1
    if len(widths) > 1:
        assert min(widths) >= 0.75 * side - 1


def test_no_tile_of_the_dense_embedding_is_too_narrow_for_the_fast_convolutions():
    widths = {
        length: min(tile.shape[0] for tile in tiles((length, 1, 1), TILE))
        for length in range(TILE, 500)
    }
    assert min(widths.values()) >= 36


def test_tiles_come_in_order():
    starts = [tile.start for tile in tiles((4, 4, 4), 2)]
    assert starts == list(itertools.product([0, 2], repeat=3))


@given(shape=st.tuples(lengths, lengths, lengths), side=st.integers(1, 50))
def test_every_voxel_is_in_one_tile_of_a_lattice(shape, side):
    covered = np.zeros(shape, dtype=int)
    for tile in lattice(shape, side):
        covered[tile.slices] += 1
    assert (covered == 1).all()


@given(length=st.integers(1, 5000), side=st.integers(4, 128))
def test_inner_faces_of_a_lattice_lie_at_multiples_of_its_side(length, side):
    tiles_along = lattice((length, 1, 1), side)
    assert all(tile.start[0] % side == 0 for tile in tiles_along)
    assert max(tile.shape[0] for tile in tiles_along) < 1.25 * side + 1
    if len(tiles_along) > 1:
        assert min(tile.shape[0] for tile in tiles_along) >= side / 4


@pytest.mark.parametrize(
    ("length", "widths"),
    [(128, [128]), (159, [159]), (160, [128, 32]), (256, [128, 128]), (300, [128, 128, 44])],
)
def test_a_thin_rest_joins_the_tile_before_it(length, widths):
    assert [tile.shape[2] for tile in lattice((1, 1, length))] == widths


def test_a_volume_is_one_piece_until_it_is_large():
    assert pieces((200, 250, 200)) == [Region.whole((200, 250, 200))]
    assert pieces((200, 250, 201)) == lattice((200, 250, 201))
