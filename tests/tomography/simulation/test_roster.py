"""The objects of a specimen as a table."""

import numpy as np

from gyrovox.tomography.simulation import Part
from gyrovox.tomography.simulation.roster import Roster


def test_rows_come_in_the_order_of_their_entry():
    roster = Roster()
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    place = np.array([3.0, 6.0, 9.0])
    first = roster.add("virion", Part.VIRION_MEMBRANE, place, np.eye(3), diameter_nm=90.0)
    second = roster.add("spike", Part.SPIKE, 2 * place, turn, diameter_nm=20.0, parent=first)
    assert (first, second, len(roster)) == (0, 1, 2)
    table = roster.table((10, 10, 10), 3.0, "t")
    np.testing.assert_allclose(table.positions, [[1, 2, 3], [2, 4, 6]])
    np.testing.assert_array_equal(table.rotations[1], turn)
    assert table.classes == ("virion", "spike")
    assert table.parents.tolist() == [-1, 0]
    assert table.diameters_nm.tolist() == [90.0, 20.0]
    assert roster.parts == [Part.VIRION_MEMBRANE, Part.SPIKE]


def test_a_specimen_may_hold_nothing():
    assert len(Roster().table((10, 10, 10), 3.0, "t")) == 0
