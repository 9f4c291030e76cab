"""Microtubules as they are drawn."""

import numpy as np
import pytest

from gyrovox.tomography.simulation import Part
from gyrovox.tomography.simulation.canvas import Canvas
from gyrovox.tomography.simulation.layout import Axis
from gyrovox.tomography.simulation.microtubule import draw_microtubule
from gyrovox.tomography.simulation.roster import Roster

SIZE = 1.0


@pytest.fixture(scope="module")
def tube():
    canvas, roster = Canvas((40, 40, 60), SIZE), Roster()
    direction = np.array([0.05, 0.1, 1.0]) / np.linalg.norm([0.05, 0.1, 1.0])
    axis = Axis(point_nm=np.array([20.0, 19.0, 29.0]), direction=direction, length_nm=60.0)
    draw_microtubule(np.random.default_rng(0), canvas, roster, axis)
    places = np.indices(canvas.shape).reshape(3, -1).T * SIZE - axis.point_nm
    along = places @ direction
    away = np.linalg.norm(places - along[:, None] * direction, axis=1)
    return canvas, roster.table(canvas.shape, SIZE, "t"), along, away


def test_its_wall_is_a_tube_of_25_nm_around_its_lumen(tube):
    canvas, _, _, away = tube
    parts = canvas.parts.ravel()
    clear = (np.abs(away - 12.5) > 1e-3) & (np.abs(away - 8.1) > 1e-3)
    assert ((parts == Part.MICROTUBULE_WALL) == ((away >= 8.1) & (away < 12.5)))[clear].all()
    assert ((parts == Part.MICROTUBULE_LUMEN) == (away < 8.1))[clear].all()
    wall = canvas.density[canvas.parts == Part.MICROTUBULE_WALL]
    assert wall.mean() == pytest.approx(2.8, rel=0.15)
    assert np.abs(canvas.density.ravel()[away < 7]).max() == 0


def test_it_has_13_or_14_protofilaments(tube):
    """The strongest frequency around the wall, at one height after another."""
    canvas, table, along, away = tube
    assert table.classes == ("microtubule",)
    np.testing.assert_allclose(table.rotations[0].T @ table.rotations[0], np.eye(3), atol=1e-12)
    turned = (np.indices(canvas.shape).reshape(3, -1).T - table.positions[0]) @ table.rotations[0]
    ring = (away > 9.5) & (away < 11.5) & (np.abs(along) < 20)
    angle = np.arctan2(turned[ring, 1], turned[ring, 2])
    values = canvas.density.ravel()[ring]
    powers = [abs((values * np.exp(1j * n * angle)).mean()) for n in range(6, 21)]
    assert 6 + int(np.argmax(powers)) in {13, 14}


def test_its_subunits_follow_each_other_every_4_nm(tube):
    canvas, table, along, away = tube
    turned = (np.indices(canvas.shape).reshape(3, -1).T - table.positions[0]) @ table.rotations[0]
    angle = np.arctan2(turned[:, 1], turned[:, 2])
    ring = (away > 9) & (away < 12) & (np.abs(along) < 20) & (np.abs(angle) < 0.3)
    values = canvas.density.ravel()[ring] - canvas.density.ravel()[ring].mean()
    spacings = np.linspace(3.0, 6.0, 61)
    powers = [abs((values * np.exp(2j * np.pi * along[ring] / s)).sum()) for s in spacings]
    assert spacings[int(np.argmax(powers))] == pytest.approx(4.05, abs=0.25)
