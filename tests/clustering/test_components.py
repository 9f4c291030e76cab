import dataclasses
import io

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.clustering.components import (
    ComponentSummary,
    TileComponents,
    both_ways,
    linked,
    summed,
    tile_components,
    united,
)


def blobs(seed, shape=(7, 8, 9)):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 0.6)
    return np.digitize(field, np.quantile(field, [0.3, 0.6])).astype(np.uint8)


@pytest.mark.parametrize("masked", [False, True], ids=["everywhere", "in a mask"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 1, 9), (1, 6, 7)], ids=str)
def test_components_are_those_of_scipy(shape, masked):
    labels = blobs(0, shape)
    inside = blobs(1, shape) > 0 if masked else np.ones(shape, np.bool_)
    tile = tile_components(labels, inside if masked else None)
    graph = tile.summary.graph
    np.testing.assert_array_equal(tile.labels >= 0, inside)
    count = sum(ndimage.label((labels == value) & inside)[1] for value in range(3))
    assert len(graph.sizes) == tile.labels.max() + 1 == count
    for number in range(count):
        mask = tile.labels == number
        assert ndimage.label(mask)[1] == 1
        assert set(labels[mask]) == {graph.classes[number]}
        assert graph.sizes[number] == mask.sum()
        assert tile.summary.seeds[number] == np.flatnonzero(mask)[0]
        around = ndimage.binary_dilation(mask) & ~mask
        assert graph.at_edge[number] == (around & ~inside).any()
        touching = graph.pairs[1, graph.pairs[0] == number]
        np.testing.assert_array_equal(touching, np.unique(tile.labels[around & inside]))
    for axis in range(3):
        np.testing.assert_array_equal(tile.summary.first[axis], tile.labels.take(0, axis))
        np.testing.assert_array_equal(tile.summary.last[axis], tile.labels.take(-1, axis))


def test_a_tile_outside_has_no_components():
    labels = blobs(0)
    tile = tile_components(labels, np.zeros(labels.shape, np.bool_))
    assert (tile.labels == -1).all()
    assert tile.summary.graph.sizes.shape == (0,)
    assert tile.summary.graph.pairs.shape == (2, 0)


def test_tiles_survive_being_written():
    labels = blobs(3)
    tile = tile_components(labels, labels > 0)
    written = io.BytesIO()
    np.savez(written, **tile.arrays())
    written.seek(0)
    with np.load(written) as arrays:
        again = TileComponents.from_arrays(arrays)
        summary = ComponentSummary.from_arrays(arrays)
    np.testing.assert_array_equal(again.labels, tile.labels)
    for found in (again.summary, summary):
        for name, expected in tile.summary.arrays().items():
            np.testing.assert_array_equal(found.arrays()[name], expected, err_msg=name)


def test_what_is_linked_is_one_union():
    one, other = np.array([4, 1]), np.array([0, 3])
    np.testing.assert_array_equal(linked(one, other, 6), [0, 1, 2, 1, 0, 3])


def test_pairs_are_summed_in_order():
    pairs, sums = summed(
        np.array([2, 0, 2]), np.array([0, 1, 0]), np.array([5, 1, 7]), shape=(3, 2)
    )
    np.testing.assert_array_equal(pairs, [[0, 2], [1, 0]])
    np.testing.assert_array_equal(sums, [1, 12])


def test_unions_have_what_their_parts_have():
    labels = np.array([[[1, 2, 1, 3]]])
    graph = tile_components(labels, labels < 9).summary.graph
    graph = dataclasses.replace(
        graph, classes=np.array([1, 1, 1, 3]), at_edge=np.array([False, True, False, False])
    )
    together = united(graph, np.array([0, 0, 0, 1]))
    np.testing.assert_array_equal(together.classes, [1, 3])
    np.testing.assert_array_equal(together.sizes, [3, 1])
    np.testing.assert_array_equal(together.at_edge, [True, False])
    np.testing.assert_array_equal(together.pairs, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(together.faces, [1, 1])


def test_pairs_are_there_in_both_orders():
    one, other, faces = np.array([[2, 0, 1], [0, 2, 0], [3, 4, 1]])
    pairs, shared = both_ways(one, other, faces, 3)
    np.testing.assert_array_equal(pairs, [[0, 0, 1, 2], [1, 2, 0, 0]])
    np.testing.assert_array_equal(shared, [1, 7, 1, 7])
