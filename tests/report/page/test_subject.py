"""What a page speaks of."""

from dataclasses import replace

import numpy as np
import pytest

from gyrovox.report.page.subject import cut_nodes
from gyrovox.settings import CATALOGUE


def test_classes_are_nodes_of_the_tree(opened):
    _, _, subject = opened
    assert cut_nodes(subject.trunk, 2) == (7, 4)
    assert [row.node for row in subject.levels[3]] == [5, 6, 4]
    assert subject.classes_of_nodes == {
        7: ((2, 0),),
        4: ((2, 1), (3, 2)),
        5: ((3, 0),),
        6: ((3, 1),),
    }


def test_a_voxel_has_a_volume_where_its_size_is_known(opened):
    _, _, subject = opened
    assert subject.voxel_nm3 == 8.0
    assert replace(subject, voxel_size_nm=None).voxel_nm3 is None
    assert replace(subject, voxel_size_nm=(3.0, 2.0, 0.5)).voxel_nm3 == pytest.approx(3.0)


def test_the_configuration_is_that_of_the_record(opened):
    _, _, subject = opened
    assert subject.configuration == CATALOGUE["default"]
    assert replace(subject, record={"settings": {"model": 3}}).configuration is None
    assert replace(subject, record={}).configuration is None
    assert replace(subject, record={"inputs": [3, {"name": "a"}]}).inputs == ({"name": "a"},)
    assert replace(subject, record={"inputs": 3}).inputs == ()


def test_shares_are_of_all_voxels_with_a_class(opened):
    _, _, subject = opened
    for rows in subject.levels.values():
        assert sum(row.share for row in rows) == pytest.approx(1)
        assert sum(row.voxels for row in rows) == np.prod(subject.shape)
