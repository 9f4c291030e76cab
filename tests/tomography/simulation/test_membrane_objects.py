"""Virions, vesicles and membranes as they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from gyrovox.errors import SettingsError
from gyrovox.settings.simulation import SPIKE_HEIGHT_NM
from gyrovox.tomography.simulation import Part, make_specimen
from gyrovox.tomography.simulation.canvas import Canvas
from gyrovox.tomography.simulation.layout import Sheet
from gyrovox.tomography.simulation.lipid_bilayer import BILAYER_NM
from gyrovox.tomography.simulation.membrane_objects import ENVELOPE_NM, draw_sheet, draw_virion
from gyrovox.tomography.simulation.molecule import MoleculeStamp
from gyrovox.tomography.simulation.molecule_library import molecule_library
from gyrovox.tomography.simulation.roster import Roster
from gyrovox.tomography.simulation.round_surface import RoundSurface


def drawn(recipe, seed=0, voxel_size_nm=2.0):
    """A virion alone, in the middle of its volume."""
    canvas, roster, library = Canvas((64, 64, 64), voxel_size_nm), Roster(), molecule_library()
    generator = np.random.default_rng(seed)
    surface = RoundSurface.drawn(generator, np.full(3, 63.0), 41.0, 0.03)
    stamps = {
        "spike": MoleculeStamp(library.spike, canvas),
        "lump": MoleculeStamp(library.lump, canvas),
    }
    draw_virion(generator, canvas, roster, surface, recipe=recipe, **stamps)
    return canvas, roster.table(canvas.shape, voxel_size_nm, "t"), surface


@pytest.fixture(scope="module")
def virion(recipe):
    return drawn(replace(recipe, spikes_per_virion=25.0, spike_spread=0.0))


def test_its_membrane_is_as_thick_as_its_envelope_all_around(virion):
    canvas, _, surface = virion
    grid = canvas.offsets((slice(0, 64),) * 3, surface.centre_nm)
    depth = surface.depth(grid)
    wall = canvas.parts == Part.VIRION_MEMBRANE
    assert (wall == ((depth >= 0) & (depth < ENVELOPE_NM))).all()
    inside = np.isin(canvas.parts, (Part.VIRION_LUMEN, Part.LUMP))
    assert (inside == (depth >= ENVELOPE_NM)).all()


def test_its_membrane_is_dense_and_the_ice_around_it_is_not(virion):
    canvas, _, _ = virion
    assert canvas.density[canvas.parts == Part.VIRION_MEMBRANE].mean() > 0.5
    assert abs(canvas.density[canvas.parts == Part.BACKGROUND].mean()) < 0.1
    assert abs(canvas.density[canvas.parts == Part.VIRION_LUMEN].mean()) < 0.6


def test_spikes_stand_on_it_apart_and_away_from_it(virion, recipe):
    _, table, surface = virion
    rows = [row for row, name in enumerate(table.classes) if name == "spike"]
    assert len(rows) == 25
    directions = table.rotations[rows][:, :, 0]
    feet = table.positions_nm[rows] - SPIKE_HEIGHT_NM / 2 * directions
    assert pdist(feet).min() >= recipe.spike_spacing_nm
    for foot, direction in zip(feet, directions, strict=True):
        away = foot - surface.centre_nm
        radial = away / np.linalg.norm(away)
        assert np.linalg.norm(away) == pytest.approx(surface.radius_along(radial), abs=1e-6)
        assert direction @ surface.normal_along(radial) > np.cos(np.deg2rad(30))
    assert (table.parents[rows] == 0).all()


def test_every_spike_and_lump_has_voxels_around_its_place(virion):
    canvas, table, _ = virion
    for row, name in enumerate(table.classes):
        if name in {"spike", "lump"}:
            voxels = np.argwhere(canvas.labels == row + 1)
            assert len(voxels) > 20
            part = Part.SPIKE if name == "spike" else Part.LUMP
            assert (canvas.parts[tuple(voxels.T)] == part).all()
            away = np.linalg.norm(voxels - table.positions[row], axis=1) * 2.0
            assert away.max() < 12.0


def test_the_head_of_a_spike_is_its_far_end(virion):
    canvas, table, _ = virion
    for row in [row for row, name in enumerate(table.classes) if name == "spike"][:5]:
        voxels = np.argwhere(canvas.labels == row + 1) - table.positions[row]
        heights = voxels @ table.rotations[row][:, 0] * 2.0
        assert (heights > 1).sum() > 1.3 * (heights < -1).sum()


def test_the_number_of_spikes_may_follow_the_area(recipe):
    plan = replace(recipe, spike_density_per_nm2=0.0005, spike_spread=0.0)
    _, table, surface = drawn(plan)
    expected = 0.0005 * 4 * np.pi * surface.radius_nm**2
    assert table.classes.count("spike") == round(expected)


def test_spikes_without_room_are_refused(recipe):
    plan = replace(recipe, spikes_per_virion=300.0, spike_spread=0.0)
    with pytest.raises(SettingsError, match=r"300 spikes 15 nm apart must fit onto a virion"):
        drawn(plan)


def test_vesicles_have_a_bilayer_and_cargo_and_no_spikes(small):
    vesicles = small.particles_of("vesicle")
    assert 1 <= len(vesicles) <= 2
    cargo = small.particles_of("cargo")
    away = np.linalg.norm(cargo.positions_nm - vesicles.positions_nm[cargo.parents], axis=1)
    assert (away < vesicles.diameters_nm[cargo.parents] / 2).all()
    assert (small.particles_of("spike").parents == 0).all()


@pytest.mark.parametrize("radius_nm", [120.0, 1e5], ids=["curved", "flat"])
def test_a_membrane_is_where_its_sphere_is(radius_nm):
    """Against distances in float64: of 1e5 nm, float32 knows 0.01 nm."""
    canvas, roster = Canvas((30, 32, 34), 1.5), Roster()
    point = np.array([20.0, 25.0, 22.0])
    normal = np.array([0.2, 0.6, -0.4]) / np.linalg.norm([0.2, 0.6, -0.4])
    sheet = Sheet(centre_nm=point - radius_nm * normal, radius_nm=radius_nm, point_nm=point)
    draw_sheet(np.random.default_rng(0), canvas, roster, sheet)
    places = np.argwhere(np.ones(canvas.shape, bool)) * 1.5
    height = np.linalg.norm(places - sheet.centre_nm, axis=1) - radius_nm
    clear = np.abs(np.abs(height) - BILAYER_NM / 2) > 1e-3
    found = (canvas.parts == Part.MEMBRANE).ravel()
    assert (found == (np.abs(height) < BILAYER_NM / 2))[clear].all()
    assert canvas.density[canvas.parts == Part.MEMBRANE].mean() > 0.7
    table = roster.table(canvas.shape, 1.5, "t")
    np.testing.assert_allclose(table.rotations[0][:, 0], normal, atol=1e-9)


def test_one_virion_more_changes_no_other(recipe):
    """Each is drawn from a stream of its own; places are drawn together."""
    few = make_specimen(5, replace(recipe, crowding=0.0, ribosomes=0))
    many = make_specimen(5, replace(recipe, crowding=0.1, ribosomes=3))
    one, other = (each.particles_of("spike") for each in (few, many))
    np.testing.assert_array_equal(one.positions, other.positions)
