"""Molecules: maps that are turned and put into a canvas."""

import numpy as np
import pytest
from scipy import ndimage

from gyrovox.tomography.simulation import Part
from gyrovox.tomography.simulation.canvas import Canvas
from gyrovox.tomography.simulation.molecule import Molecule, MoleculeStamp, mean_density
from gyrovox.tomography.simulation.orientation import random_rotation


def ball_at(place, *, radius=2.0, count=25, spacing=0.5):
    """A ball of density 2 around a place (z, y, x) in nm from the centre."""
    grid = (np.indices((count,) * 3) - count // 2) * spacing
    distance = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(grid, place, strict=True)))
    density = 2 * np.clip(0.5 + (radius - distance) / spacing, 0, 1)
    return Molecule(name="ball", density=density.astype(np.float32), spacing_nm=spacing)


def test_the_mean_density_is_that_of_what_is_not_empty():
    density = np.zeros((6, 6, 6), np.float32)
    density[2:4, 2:4, 2:4] = 3.0
    assert mean_density(density) == pytest.approx(3.0)


def test_reach_and_volume_are_those_of_its_outline():
    ball = ball_at((0.0, 0.0, 0.0))
    assert ball.reach_nm == pytest.approx(2.0, abs=0.3)
    assert ball.volume_nm3 == pytest.approx(4 / 3 * np.pi * 8, rel=0.1)


def test_a_turned_molecule_lies_where_its_rotation_takes_it():
    """What lies at r in the reference lies at position + rotation @ r in the volume."""
    place, position = np.array([2.0, 1.0, -2.5]), np.array([20.0, 22.0, 21.0])
    rotation = random_rotation(np.random.default_rng(3))
    canvas = Canvas((42, 44, 43), 1.0)
    stamp = MoleculeStamp(ball_at(place), canvas)
    assert stamp.placed(position, rotation, Part.PROTEIN, 7)
    expected = position + rotation @ place
    np.testing.assert_allclose(ndimage.center_of_mass(canvas.density), expected, atol=0.05)
    np.testing.assert_allclose(ndimage.center_of_mass(canvas.labels == 7), expected, atol=0.2)


@pytest.mark.parametrize("voxel_size_nm", [0.5, 1.5, 4.0])
def test_its_mass_does_not_depend_on_the_voxels(voxel_size_nm):
    ball = ball_at((0.0, 0.0, 0.0), radius=4.0, count=33)
    seen = ball.resampled(voxel_size_nm, (31, 31, 31)).sum() * voxel_size_nm**3
    assert seen == pytest.approx(2 * 4 / 3 * np.pi * 4**3, rel=0.05)


def test_as_a_template_it_stands_as_the_reference_does():
    template = ball_at((2.0, 0.0, -1.0)).resampled(1.0, (12, 13, 14))
    found = np.array(ndimage.center_of_mass(template)) - np.array([6, 6, 7])
    np.testing.assert_allclose(found, [2.0, 0.0, -1.0], atol=0.05)


def test_it_is_not_put_where_something_is():
    canvas = Canvas((20, 20, 20), 1.0)
    stamp = MoleculeStamp(ball_at((0.0, 0.0, 0.0)), canvas)
    assert stamp.placed(np.full(3, 8.0), np.eye(3), Part.PROTEIN, 1)
    before = canvas.density.copy()
    assert not stamp.placed(np.full(3, 9.0), np.eye(3), Part.PROTEIN, 2)
    np.testing.assert_array_equal(canvas.density, before)
    assert stamp.placed(np.full(3, 14.0), np.eye(3), Part.PROTEIN, 2)


def test_it_is_put_inside_only_where_it_may_be():
    canvas = Canvas((20, 20, 20), 1.0)
    canvas.parts[5:15, 5:15, 5:15] = Part.VIRION_LUMEN
    stamp = MoleculeStamp(ball_at((0.0, 0.0, 0.0)), canvas)
    lumen = Part.VIRION_LUMEN
    for place, fits in ((10.0, True), (5.0, False)):
        found = stamp.placed(np.full(3, place), np.eye(3), Part.LUMP, 1, on=(lumen,), over=lumen)
        assert found is fits
    assert (canvas.parts == Part.LUMP).sum() == (canvas.labels == 1).sum() > 20


@pytest.mark.parametrize("place", [0.5, 19.0, -40.0])
def test_it_does_not_reach_out_of_the_volume(place):
    canvas = Canvas((20, 20, 20), 1.0)
    stamp = MoleculeStamp(ball_at((0.0, 0.0, 0.0)), canvas)
    assert not stamp.placed(np.array([10.0, place, 10.0]), np.eye(3), Part.PROTEIN, 1)
    assert not canvas.parts.any()
