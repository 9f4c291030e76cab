"""What there is to say about every node of a tree, by hand."""

import numpy as np
import pytest

from gyrovox.clustering.node_table import node_table, radii, stabilities

# Leaves 0, 1, 2; 0 and 1 merge into 3 at 2, and all into 4 at 8.
PARENTS = np.array([3, 3, 4, 4, 4], np.int32)
ALTITUDES = np.array([0.0, 0.0, 0.0, 2.0, 8.0])
CODES = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 0.5]], np.float32)


def table(voxel_size_nm):
    numbers = np.arange(5, dtype=np.float32)
    return node_table(
        PARENTS,
        ALTITUDES,
        np.array([4, 2, 1, 6, 7]),
        CODES,
        spreads=numbers,
        contrasts=numbers + 1,
        voxel_size_nm=voxel_size_nm,
    )


def test_a_radius_is_the_distance_from_the_origin():
    np.testing.assert_allclose(radii(CODES), [10, 0, 2, 4, 1])


def test_a_node_lasts_until_its_parent_forms():
    leaf = np.log(8 / 2)
    np.testing.assert_allclose(stabilities(PARENTS, ALTITUDES), [0, 0, leaf, leaf, 0])


def test_where_everything_is_alike_nothing_lasts():
    np.testing.assert_array_equal(stabilities(PARENTS, np.zeros(5)), np.zeros(5))


def test_every_node_has_a_row():
    found = table((2.0, 3.0, 4.0))
    assert found["node"].tolist() == [0, 1, 2, 3, 4]
    assert found["parent"].tolist() == [3, 3, 4, 4, -1]
    assert found["depth"].tolist() == [2, 2, 1, 1, 0]
    np.testing.assert_allclose(found["volume_nm3"], 24 * np.array([4, 2, 1, 6, 7]))
    assert found["contrast"].tolist() == [1, 2, 3, 4, 5]
    assert {len(column) for column in found.values()} == {5}


def test_without_a_voxel_size_there_is_no_volume():
    assert np.isnan(table(None)["volume_nm3"]).all()


@pytest.mark.parametrize("column", ["parent", "altitude"])
def test_what_went_in_stays_as_it_was(column):
    before = PARENTS.copy(), ALTITUDES.copy()
    assert column in table(None)
    np.testing.assert_array_equal(PARENTS, before[0])
    np.testing.assert_array_equal(ALTITUDES, before[1])
