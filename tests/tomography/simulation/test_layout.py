"""Where large objects are."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import SPIKE_HEIGHT_NM
from gyrovox.tomography.simulation import SpecimenRecipe
from gyrovox.tomography.simulation.layout import MICROTUBULE_NM, drawn_layout
from gyrovox.tomography.simulation.lipid_bilayer import BILAYER_NM

DEFAULT = SpecimenRecipe()


def balls(layout):
    """Centres and reaches of what is round."""
    spikes = [(v.centre_nm, v.reach_nm + SPIKE_HEIGHT_NM) for v in layout.virions]
    return [*spikes, *((v.centre_nm, v.reach_nm) for v in layout.vesicles)]


@pytest.fixture(scope="module", params=range(4))
def layout(request):
    return drawn_layout(np.random.default_rng(request.param), DEFAULT)


def test_virions_and_vesicles_lie_in_the_volume_and_apart(layout):
    assert len(layout.virions) == DEFAULT.virions
    assert len(layout.vesicles) >= 3
    size = np.array(DEFAULT.size_nm) - DEFAULT.voxel_size_nm
    for centre, reach in balls(layout):
        assert (centre >= reach).all()
        assert (centre <= size - reach).all()
    for (one, reach), (other, far) in combinations(balls(layout), 2):
        assert np.linalg.norm(one - other) > reach + far


def test_microtubules_cross_the_volume_apart_from_what_is_round(layout):
    size = np.array(DEFAULT.size_nm)
    for axis in layout.axes:
        points = axis.points()
        ends = points[[0, -2]]
        assert (
            np.abs(ends[:, 1:, None] - np.stack([0 * size, size], -1)[1:]).min((1, 2)) < 5
        ).all()
        for centre, reach in balls(layout):
            along = (centre - axis.point_nm) @ axis.direction
            away = np.linalg.norm(centre - axis.point_nm - along * axis.direction)
            assert away > reach + MICROTUBULE_NM / 2


def test_membranes_keep_apart_from_what_is_round(layout):
    for sheet in layout.sheets:
        assert abs(sheet.height(sheet.point_nm[None])[0]) < 1e-6
        for centre, reach in balls(layout):
            distance = abs(np.linalg.norm(centre - sheet.centre_nm) - sheet.radius_nm)
            assert distance > reach + BILAYER_NM / 2


def test_two_membranes_do_not_cross():
    recipe = replace(DEFAULT, virions=0, vesicles=0, microtubules=0, membranes=3)
    layout = drawn_layout(np.random.default_rng(0), recipe)
    assert len(layout.sheets) > 1
    grid = np.stack(np.meshgrid(*(np.arange(0, n, 5.0) for n in recipe.size_nm)), -1).reshape(-1, 3)
    for one, other in combinations(layout.sheets, 2):
        both = np.maximum(np.abs(one.height(grid)), np.abs(other.height(grid)))
        assert both.min() > BILAYER_NM / 2


def test_every_second_vesicle_is_as_large_as_a_virion():
    recipe = replace(DEFAULT, virions=0, vesicles=4, membranes=0, microtubules=0)
    radii = [v.radius_nm for v in drawn_layout(np.random.default_rng(0), recipe).vesicles]
    low, high = recipe.virion_diameter_nm
    assert sum(low <= 2 * radius <= high for radius in radii) >= 2


def test_too_many_virions_are_refused():
    with pytest.raises(SettingsError, match=r"30 virions must fit into .* and \d+ did at most"):
        drawn_layout(np.random.default_rng(0), replace(DEFAULT, virions=30))


def test_what_else_finds_no_room_is_left_away():
    recipe = replace(DEFAULT, vesicles=60, membranes=0, microtubules=0)
    layout = drawn_layout(np.random.default_rng(0), recipe)
    assert len(layout.virions) == recipe.virions
    assert 3 < len(layout.vesicles) < 60
    assert len(layout) == len(layout.virions) + len(layout.vesicles)
