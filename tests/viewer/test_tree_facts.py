"""The tree as the page reads it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gyrovox.clustering.cuts import horizontal_cut
from gyrovox.results import disk_positions, node_colours
from gyrovox.viewer.tree_facts import tree_json


@pytest.fixture
def trunk(opened):
    return opened.results[0].trunk


@pytest.fixture
def facts(trunk):
    return json.loads(tree_json(trunk, (8, 2)))


def test_every_column_is_that_of_the_table(facts, trunk):
    table = trunk.table()
    assert facts["parents"] == trunk.parents.tolist()
    assert facts["altitudes"] == trunk.altitudes.tolist()
    assert facts["sizes"] == trunk.sizes.tolist()
    assert facts["depths"] == table["depth"].tolist()
    for name, column in [
        ("volume_nm3", table["volume_nm3"]),
        ("spreads", trunk.spreads),
        ("contrasts", trunk.contrasts),
        ("radii", table["radius"]),
        ("stabilities", table["stability"]),
        ("disk", disk_positions(trunk)),
    ]:
        np.testing.assert_allclose(facts[name], column, rtol=1e-8)
    assert facts["curvature"] == trunk.curvature
    assert facts["n_leaves"] == trunk.n_leaves
    assert facts["is_disk"]
    assert facts["levels"] == [2, 8]
    assert facts["suggested_levels"] == list(trunk.suggested_levels())


def test_colours_are_those_of_the_nodes(facts, trunk):
    read = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in facts["colours"]]
    np.testing.assert_array_equal(read, node_colours(trunk))


@pytest.mark.parametrize("classes", [1, 2, 7, 40])
def test_undoing_the_first_merges_gives_the_cut(facts, trunk, classes):
    undone = set(facts["merge_order"][: classes - 1])
    root = len(facts["parents"]) - 1
    shown = [
        node
        for node, parent in enumerate(facts["parents"])
        if node not in undone and (parent in undone or (node == root and classes == 1))
    ]
    assert shown == horizontal_cut(trunk.parents, trunk.altitudes, classes).tolist()


def test_a_voxel_of_unknown_size_has_no_volume(trunk):
    facts = json.loads(tree_json(replace(trunk, voxel_size_nm=None), (2,)))
    assert facts["volume_nm3"] is None
    assert facts["sizes"] == trunk.sizes.tolist()


def test_codes_of_more_coordinates_are_no_disk_as_they_are(trunk):
    codes = np.pad(trunk.codes, ((0, 0), (0, 1)))
    facts = json.loads(tree_json(replace(trunk, codes=codes), (2,)))
    assert not facts["is_disk"]
    assert np.shape(facts["disk"]) == (len(trunk.parents), 2)
