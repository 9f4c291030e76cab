import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from gyrovox.clustering import clean_labels
from gyrovox.clustering.cleaning import relabelled
from gyrovox.clustering.components import tile_components
from gyrovox.clustering.tiled_cleaning import cleaned_tables
from gyrovox.errors import SettingsError
from gyrovox.patches.tiling import lattice
from gyrovox.volumes.phantom_cell import cell_phantom


def blobs(seed, shape, classes=4, smooth=0.6):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return np.digitize(field, np.quantile(field, np.arange(1, classes) / classes)).astype(np.int16)


def cleaned_by_tiles(labels, side, *, inside=None, **wishes):
    """The whole sequence, as a run goes through it."""
    regions = lattice(labels.shape, side)
    tiles = [
        tile_components(labels[region.slices], None if inside is None else inside[region.slices])
        for region in regions
    ]
    summaries = ((region, tile.summary) for region, tile in zip(regions, tiles, strict=True))
    tables = cleaned_tables(summaries, **wishes)
    result = np.full(labels.shape, 99, labels.dtype)
    for region, tile, table in zip(regions, tiles, tables, strict=True):
        result[region.slices] = relabelled(labels[region.slices], tile.labels, table)
    return result


@pytest.fixture(scope="module")
def phantom():
    return cell_phantom(301, shape=(28, 29, 31)).truths[-1]


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 13), st.integers(1, 13), st.integers(1, 13)),
    st.integers(1, 13),
    st.fixed_dictionaries({
        "smallest": st.sampled_from([0, 2, 5, 40]),
        "fill_holes": st.sampled_from([0, 1, 8, 1000]),
        "largest_component": st.booleans(),
    }),
    st.sampled_from([None, 0, 2, 9]),
)
def test_tiles_are_cleaned_as_the_whole_is(seed, shape, side, wishes, outside):
    labels = blobs(seed, shape) - 1
    inside = None if outside is None else blobs(seed + 1, shape, smooth=1.0) > outside
    expected = clean_labels(labels, inside=inside, **wishes)
    found = cleaned_by_tiles(labels, side, inside=inside, **wishes)
    assert found.dtype == labels.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("side", [3, 8, 11, 32])
def test_a_phantom_in_tiles_is_cleaned_as_the_whole_is(phantom, side):
    truth = phantom
    noisy = np.where(np.random.default_rng(0).random(truth.shape) < 0.15, 0, truth)
    inside = np.linalg.norm(np.indices(truth.shape).T - 14, axis=-1).T < 13
    wishes = {"smallest": 5, "fill_holes": 60, "largest_component": True}
    expected = clean_labels(noisy, inside=inside, **wishes)
    assert (expected != noisy).mean() > 0.02
    np.testing.assert_array_equal(cleaned_by_tiles(noisy, side, inside=inside, **wishes), expected)


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_what_spans_many_tiles_is_one_component(side):
    labels = np.zeros((3, 11, 11), np.uint8)
    labels[1, 5, 1:10] = labels[1, 1:10, 1] = labels[1, 1:10, 9] = 1  # an H, 25 voxels
    labels[1, 5, 5] = 2  # cuts it in two: 12 and 12
    pieces = cleaned_by_tiles(labels, side, smallest=13)
    np.testing.assert_array_equal(pieces, 0)
    np.testing.assert_array_equal(
        cleaned_by_tiles(labels, side, smallest=12), np.where(labels == 2, 0, labels)
    )


@pytest.mark.parametrize("side", [2, 3, 4])
def test_of_two_largest_pieces_the_first_stays_in_any_tiles(side):
    labels = np.zeros((1, 7, 9), np.uint8)
    labels[0, 1, 5:8] = labels[0, 3:6, 1] = 1
    expected = labels.copy()
    expected[0, 3:6, 1] = 0
    np.testing.assert_array_equal(cleaned_by_tiles(labels, side, largest_component=True), expected)


def test_numbers_of_voxels_are_not_negative():
    with pytest.raises(SettingsError, match="fill_holes must be a number of voxels ≥ 0, got -1"):
        cleaned_tables([], fill_holes=-1)
