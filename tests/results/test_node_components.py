"""Connected components of nodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label, regionprops

from gyrovox.errors import SettingsError, TreeError
from gyrovox.results import components
from gyrovox.results.node_components import mask_components
from gyrovox.volumes import InMemory


def reference(mask):
    """Centroids and sizes by scikit-image, of the volume as a whole, in the same order."""
    found = regionprops(label(mask, connectivity=3))
    found.sort(key=lambda one: (-one.area, np.ravel_multi_index(one.coords[0], mask.shape)))
    centroids = np.array([one.centroid for one in found]).reshape(-1, 3)
    return centroids, np.array([one.area for one in found], np.int64)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.02, 0.6), st.sampled_from([1, 30, 100, 10_000]))
def test_components_are_those_of_the_whole_whatever_the_slabs(seed, share, slab_bytes):
    mask = np.random.default_rng(seed).random((7, 6, 5)) < share
    source = InMemory(mask[np.newaxis].astype(np.uint8))
    centroids, sizes = mask_components(source, slab_bytes=slab_bytes)
    expected_centroids, expected_sizes = reference(mask)
    np.testing.assert_array_equal(sizes, expected_sizes)
    np.testing.assert_allclose(centroids, expected_centroids, atol=1e-12)


def test_voxels_that_touch_by_a_corner_across_slabs_are_one():
    mask = np.zeros((4, 4, 4), bool)
    mask[(0, 1, 2, 3), (0, 1, 2, 3), (3, 2, 1, 0)] = True
    centroids, sizes = mask_components(InMemory(mask[np.newaxis].astype(np.uint8)), slab_bytes=1)
    assert sizes.tolist() == [4]
    assert centroids.tolist() == [[1.5, 1.5, 1.5]]


def test_a_u_joins_what_began_apart():
    mask = np.zeros((5, 3, 7), bool)
    mask[:, 1, 0] = mask[:, 1, 6] = mask[4, 1, :] = True
    _, sizes = mask_components(InMemory(mask[np.newaxis].astype(np.uint8)), slab_bytes=1)
    assert sizes.tolist() == [15]


@pytest.fixture
def spots(result_of):
    """Spots of 1, 8 and 2 voxels on leaf 1, and one of leaf 2 beside the second."""
    leaves = np.zeros((6, 10, 12), np.int32)
    leaves[0, 0, 0] = 1
    leaves[2:4, 4:6, 6:8] = 1
    leaves[5, 9, 10:] = 1
    leaves[2, 4, 8] = 2
    return result_of(leaves, voxel_size_nm=(2.0, 1.0, 0.5))


def test_components_are_counted_placed_and_measured(spots):
    found = components(spots, [1])
    assert found.count == 3
    assert found.name == "scan"
    assert found.sizes.tolist() == [8, 2, 1]
    assert found.centroids.tolist() == [[2.5, 4.5, 6.5], [5, 9, 10.5], [0, 0, 0]]
    assert found.volumes_nm3.tolist() == [8, 2, 1]
    origin = np.array(spots.image().origin_nm)
    expected = found.centroids * (2.0, 1.0, 0.5) + origin
    np.testing.assert_allclose(found.centroids_nm, expected, atol=1e-4)


def test_nodes_are_taken_together(spots):
    assert components(spots, [1, 2]).sizes.tolist() == [9, 2, 1]
    assert components(spots, [4]).sizes.tolist() == [6 * 10 * 12]


def test_small_ones_are_left_out_on_request(spots):
    assert components(spots, [1], smallest_voxels=2).sizes.tolist() == [8, 2]
    nothing = components(spots, [1], smallest_voxels=9)
    assert nothing.count == 0
    assert nothing.centroids.shape == (0, 3)


def test_without_a_voxel_size_nothing_is_in_nm(result_of):
    found = components(result_of(np.ones((2, 2, 2), np.int32) - np.eye(2, dtype=np.int32)), [1])
    assert found.volumes_nm3 is None
    assert found.centroids_nm is None


def test_what_cannot_be_is_refused(spots):
    with pytest.raises(SettingsError, match="at least 1 voxel, and 0 came"):
        components(spots, [1], smallest_voxels=0)
    with pytest.raises(TreeError, match="at least one node"):
        components(spots, [])


def test_slabs_are_no_larger_than_they_may_be():
    read = []

    class Watched:
        shape = (1, 12, 5, 5)
        dtype = np.dtype(np.uint8)

        def read(self, region):
            read.append(region.shape[0])
            return np.ones((1, *region.shape), np.uint8)

    _, sizes = mask_components(Watched(), slab_bytes=50)
    assert read == [2] * 6
    assert sizes.tolist() == [300]
