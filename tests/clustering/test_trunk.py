from dataclasses import replace

import numpy as np
import pytest

from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import ClusterCountError

# Leaves of tiles 0, 2, 3 and 4 are left, as leaves 0, 1, 2 and 3 of the tree.
NUMBER = np.array([0, -1, 1, 2, 3], np.int32)
LEAVES = np.array([[[0, 0, 2], [3, 3, 3], [4, 4, 4]], [[0, 0, 2], [3, 3, 4], [4, 4, 4]]], np.int32)


def trunk(*, masked=False):
    return Trunk(
        number=NUMBER,
        parents=np.array([4, 4, 5, 6, 5, 6, 6], np.int32),
        altitudes=np.array([0.0, 0, 0, 0, 1, 20, 300]),
        sizes=np.array([4, 2, 5, 7, 6, 11, 18]) - [0, 0, 0, masked, 0, 0, masked],
        codes=np.zeros((7, 2), np.float32),
        spreads=np.zeros(7, np.float32),
        contrasts=np.zeros(7, np.float32),
        curvature=-1.0,
        voxel_size_nm=(2.0, 1.0, 1.0),
        masked=masked,
    )


def leaves(*, masked=False):
    found = LEAVES.copy()
    if masked:
        found[1, 2, 2] = -1
    return found


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("classes", [1, 2, 3, 4])
def test_labels_are_those_of_the_tree_with_its_voxels(classes, masked):
    one = trunk(masked=masked)
    table = one.labels(classes)
    wanted = one.tree(leaves(masked=masked)).cut(classes).labels
    assert table.shape == (6,)
    assert table.dtype == wanted.dtype
    np.testing.assert_array_equal(table[leaves(masked=masked)], wanted)


def test_levels_are_those_that_the_tree_suggests():
    one = trunk()
    assert one.n_leaves == 4
    assert one.suggested_levels() == one.tree(LEAVES).suggested_levels()
    flat = replace(one, altitudes=np.zeros(7))
    assert flat.suggested_levels() == flat.tree(LEAVES).suggested_levels() == (1,)


@pytest.mark.parametrize("classes", [0, 5])
def test_a_cut_that_there_is_not_is_refused(classes):
    with pytest.raises(ClusterCountError, match=f"1 to 4 classes.* and {classes} were asked for"):
        trunk().labels(classes)


@pytest.mark.parametrize("size", [None, (2.0, 1.0, 0.5)])
@pytest.mark.parametrize("masked", [False, True])
def test_a_trunk_goes_through_a_file(tmp_path, size, masked):
    one = replace(trunk(masked=masked), voxel_size_nm=size)
    np.savez(tmp_path / "trunk.npz", **one.arrays())
    with np.load(tmp_path / "trunk.npz") as file:
        again = Trunk.from_arrays(file)
    assert (again.curvature, again.voxel_size_nm, again.masked) == (-1.0, size, masked)
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)


@pytest.mark.parametrize("masked", [False, True])
def test_its_table_is_that_of_the_tree(masked):
    one = trunk(masked=masked)
    wanted = one.tree(leaves(masked=masked)).table()
    found = one.table()
    assert list(found) == list(wanted)
    for name, column in wanted.items():
        np.testing.assert_array_equal(found[name], column, err_msg=name)
