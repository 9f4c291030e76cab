from dataclasses import replace

import numpy as np
import pytest
import tree_laws as laws

from gyrovox.clustering.tree_checks import check_trunk
from gyrovox.errors import TreeError

#        6
#     4     5
#    0 1   2 3
TREE = laws.tree_of([(0, 0), (0, 0), (0, 0)], [1.0, 2.0, 0.5], masked=False)


def changed(name, place, value):
    array = vars(TREE)[name].copy()
    array[place] = value
    return {name: array}


def test_the_tree_of_these_tests_is_one():
    assert TREE.parents.tolist() == [4, 4, 5, 5, 6, 6, 6]
    assert TREE.altitudes.tolist() == [0, 0, 0, 0, 1, 2, 2.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leaves": TREE.leaves[0]}, r"axes \(z, y, x\), and their shape is \(4, 5\)"),
        ({"parents": TREE.parents[:-1]}, r"2 L - 1 nodes .* shape is \(6,\)"),
        ({"parents": TREE.parents[:, None]}, r"one row .* shape is \(7, 1\)"),
        ({"parents": TREE.parents[:0]}, r"shape is \(0,\)"),
        ({"codes": TREE.codes[:, 0]}, r"\(nodes, dim\) with 7 nodes, and \(7,\) came"),
        ({"codes": TREE.codes[:5]}, r"with 7 nodes, and \(5, 3\) came"),
        ({"sizes": TREE.sizes[:5]}, r"sizes must have one number for each of 7 nodes"),
        ({"spreads": TREE.codes}, r"spreads must .* shape is \(7, 3\)"),
        (changed("parents", -1, 0), "6, must be its own parent as the root, and has 0"),
        (changed("parents", 4, 4), "after their children .* node 4 has parent 4"),
        (changed("parents", 0, 7), "at most 6, and node 0 has parent 7"),
        (changed("parents", 0, -1), "node 0 has parent -1"),
        (changed("parents", 0, 5), "two children each, and node 4 has 1"),
        (changed("parents", 0, 2), "first 4 nodes must be leaves .* node 2 has 1"),
        (changed("altitudes", 0, 0.5), "0 for leaves"),
        (changed("altitudes", -1, np.inf), "altitudes must be finite"),
        (changed("altitudes", -1, 1.5), "node 5 has 2 below a parent with 1.5"),
        (changed("leaves", (0, 0, 0), 4), "from 0 to 3, or -1 .* values from 0 to 4 came"),
        (changed("leaves", (0, 0, 0), -2), "values from -2 to 3"),
        ({"leaves": TREE.leaves.clip(0, 2)}, "leaf 3 must have at least one voxel"),
        (changed("sizes", 4, 7), r"that of node 4 is 7 for \d+"),
        (changed("codes", (2, 1), np.nan), "codes must be finite, and those of 1 nodes"),
        (changed("spreads", 1, -0.1), "spreads must be finite and not negative"),
        (changed("contrasts", 1, np.inf), "contrasts must be finite and not negative"),
        (changed("contrasts", -1, 0.5), "contrast of the root.* is 0.5"),
        ({"curvature": 1.0}, "negative, or 0 for flat space, and it is 1.0"),
        ({"curvature": -np.inf}, "it is -inf"),
        ({"voxel_size_nm": (1.0, 0.0, 1.0)}, r"positive and finite, and came as \(1.0, 0.0, 1.0\)"),
    ],
)
def test_what_is_no_tree_is_refused(change, message):
    with pytest.raises(TreeError, match=message):
        replace(TREE, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": TREE.codes[:5]}, r"with 7 nodes, and \(5, 3\) came"),
        ({"sizes": TREE.sizes[:5]}, "sizes must have one number for each of 7 nodes"),
        (changed("parents", 0, 5), "two children each, and node 4 has 1"),
        (changed("altitudes", -1, 1.5), "node 5 has 2 below a parent with 1.5"),
        (changed("sizes", 4, 7), r"that of node 4 is 7 for \d+"),
        (changed("sizes", 0, 0), "leaf 0 must have at least one voxel, and has 0"),
        (changed("codes", (2, 1), np.nan), "codes must be finite"),
        ({"curvature": 1.0}, "negative, or 0 for flat space"),
        ({"voxel_size_nm": (1.0, 0.0, 1.0)}, "positive and finite"),
    ],
)
def test_what_is_no_tree_is_refused_without_its_voxels_too(change, message):
    trunk = laws.trunk_of(TREE)
    check_trunk(trunk, TREE.leaves.size)
    with pytest.raises(TreeError, match=message):
        check_trunk(replace(trunk, **change), TREE.leaves.size)


def test_a_tree_has_no_more_voxels_than_its_volume():
    with pytest.raises(TreeError, match=r"no more voxels than its volume, and has 60 .* has 59"):
        check_trunk(laws.trunk_of(TREE), 59)
