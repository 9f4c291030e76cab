import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from gyrovox.clustering.components import tile_components
from gyrovox.clustering.joined_components import joined_components
from gyrovox.patches.tiling import lattice
from gyrovox.volumes import Region


def blobs(seed, shape=(7, 8, 9), classes=3, smooth=0.6):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return np.digitize(field, np.quantile(field, np.arange(1, classes) / classes)).astype(np.uint8)


def summaries(labels, inside, side):
    for region in lattice(labels.shape, side):
        mask = None if inside is None else inside[region.slices]
        yield region, tile_components(labels[region.slices], mask).summary


def by_definition(labels, inside):
    """Every component's class, size, whether at the edge, and faces shared with others."""
    numbered = np.full(labels.shape, -1)
    for value in np.unique(labels):
        pieces, count = ndimage.label((labels == value) & inside)
        for piece in range(1, count + 1):
            numbered[pieces == piece] = numbered.max() + 1
    # In the order of their first voxels.
    values, first = np.unique(numbered, return_index=True)
    rank = {
        value: number
        for number, value in enumerate(values[values >= 0][np.argsort(first[values >= 0])])
    }
    numbered = np.vectorize(lambda value: rank.get(value, -1))(numbered)
    count = len(rank)
    faces, at_edge = np.zeros((count, count), int), np.zeros(count, bool)
    for place in np.ndindex(labels.shape):
        one = numbered[place]
        for axis in range(3):
            for step in (-1, 1):
                there = [*place]
                there[axis] += step
                if one < 0:
                    continue
                if not 0 <= there[axis] < labels.shape[axis]:
                    at_edge[one] |= labels.shape[axis] > 1
                    continue
                other = numbered[tuple(there)]
                if other < 0:
                    at_edge[one] = True
                elif other != one:
                    faces[one, other] += 1
    classes = [labels[numbered == number][0] for number in range(count)]
    sizes = [np.count_nonzero(numbered == number) for number in range(count)]
    return classes, sizes, at_edge, faces


@pytest.mark.parametrize("masked", [False, True], ids=["everywhere", "in a mask"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (1, 6, 7), (4, 1, 1)], ids=str)
def test_the_graph_is_that_of_the_definition(shape, masked):
    labels = blobs(1, shape)
    inside = blobs(2, shape) > 0 if masked else np.ones(shape, np.bool_)
    graph = joined_components(summaries(labels, inside, 100)).graph
    classes, sizes, at_edge, faces = by_definition(labels, inside)
    np.testing.assert_array_equal(graph.classes, classes)
    np.testing.assert_array_equal(graph.sizes, sizes)
    np.testing.assert_array_equal(graph.at_edge, at_edge)
    np.testing.assert_array_equal(graph.pairs, np.nonzero(faces))
    np.testing.assert_array_equal(graph.faces, faces[np.nonzero(faces)])


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 9),
    st.sampled_from([0.2, 0.6, 1.5]),
    st.sampled_from([None, 0, 1, 2]),
)
def test_the_graph_of_tiles_is_that_of_the_whole(seed, shape, side, smooth, outside):
    labels = blobs(seed, shape, smooth=smooth)
    # A mask of 2 is of no voxel: no class of two is above 2.
    inside = None if outside is None else blobs(seed + 1, shape) > outside
    tiled = joined_components(summaries(labels, inside, side))
    whole = joined_components(summaries(labels, inside, 100))
    assert tiled.graph.classes.dtype == labels.dtype
    for name, expected in vars(whole.graph).items():
        np.testing.assert_array_equal(vars(tiled.graph)[name], expected, err_msg=name)
    numbers = np.full(shape, -1)
    for region, number in zip(lattice(shape, side), tiled.numbers, strict=True):
        mask = None if inside is None else inside[region.slices]
        local = tile_components(labels[region.slices], mask).labels
        numbers[region.slices] = np.append(number, -1)[local]
    whole_local = tile_components(labels, inside).labels
    np.testing.assert_array_equal(numbers, np.append(whole.numbers[0], -1)[whole_local])


def test_tiles_that_come_too_early_are_refused():
    tiles = list(summaries(blobs(0), None, 4))
    with pytest.raises(ValueError, match=r"in the order of their lattice, and that at \(0, 4, 4\)"):
        joined_components([tiles[0], tiles[4]])


def test_a_region_may_lie_anywhere():
    labels = blobs(4, (6, 4, 4))
    here = list(summaries(labels, None, 3))
    there = [
        (
            Region(
                tuple(start + 7 for start in region.start), tuple(end + 7 for end in region.stop)
            ),
            tile,
        )
        for region, tile in here
    ]
    expected, found = joined_components(here).graph, joined_components(there).graph
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(vars(found)[name], array, err_msg=name)
