import numpy as np
import pytest

from gyrovox.clustering.region_graph import region_graph
from gyrovox.clustering.unions import fewest, looked_up, tops, unions

# Of 4 regions: 0 and 2 make 4, 4 and 3 make 5, 1 and 5 make 6.
MERGES = np.array([[0, 2], [3, 4], [1, 5]])


@pytest.mark.parametrize(
    ("done", "wanted"), [(0, [0, 1, 2, 3]), (1, [4, 1, 4, 3]), (2, [5, 1, 5, 5]), (3, [6] * 4)]
)
def test_the_top_is_the_last_node_above(done, wanted):
    np.testing.assert_array_equal(tops(MERGES[:done], 4), wanted)


@pytest.mark.parametrize(
    ("most", "wanted"),
    [(9, [0, 1, 2, 3]), (4, [0, 1, 2, 3]), (3, [2, 0, 2, 1]), (2, [1, 0, 1, 1]), (1, [0] * 4)],
)
def test_unions_are_as_many_as_may_be_left(most, wanted):
    np.testing.assert_array_equal(unions(MERGES, 4, most), wanted)


def test_voxels_are_looked_up_and_those_outside_stay_there():
    regions = np.array([[[0, 2, -1], [1, -1, 2]]], np.int32)
    found = looked_up(regions, np.array([5, 0, 3]))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, [[[5, 3, -1], [0, -1, 3]]])
    np.testing.assert_array_equal(
        looked_up(np.full((1, 1, 2), -1, np.int32), np.array([], int)), -1
    )


@pytest.mark.parametrize("most", [1, 2, 3, 40])
def test_the_fewest_unions_are_the_most_alike(most):
    # A row of 40 regions on three plateaus.
    regions = np.repeat(np.arange(40, dtype=np.int32), 8).reshape(40, 2, 4)
    evidence = np.repeat(np.arange(40) // 14, 8).reshape(40, 2, 4, 1) * 9
    noise = np.random.default_rng(0).normal(size=evidence.shape)
    evidence = (evidence + noise).astype(np.float32)
    owner = fewest(region_graph(regions, evidence, (1.0, 1.0, 1.0)), most)
    assert owner.max() + 1 == len(np.unique(owner)) == most
    if most == 3:
        np.testing.assert_array_equal(np.unique(owner[:14]), owner[0])
        np.testing.assert_array_equal(np.unique(owner[14:28]), owner[14])
        np.testing.assert_array_equal(np.unique(owner[28:]), owner[28])
