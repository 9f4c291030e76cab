import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.volumes.cell_parts import CellRecipe, check_parts, classes_of, drawn_cell
from gyrovox.volumes.solids import holds

AXIS = np.arange(50) - 24.5
GRID = np.ix_(AXIS, AXIS, AXIS)


@pytest.mark.parametrize("seed", range(5))
def test_every_part_lies_in_its_parent_and_is_there(seed):
    solids, labels = drawn_cell(np.random.default_rng(seed), CellRecipe(), GRID, np.ones(3))
    parents = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2}
    assert len(solids) == 7
    assert all(holds(solids[parent], solids[child]) for child, parent in parents.items())
    assert np.unique(labels).tolist() == list(range(8))


def test_classes_are_those_of_the_ancestors():
    first, second, third = classes_of(CellRecipe())
    assert first.tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    assert second.tolist() == [0, 1, 2, 3, 2, 2, 3, 3]
    assert third.tolist() == list(range(8))


def test_more_classes_than_a_byte_holds_are_refused():
    with pytest.raises(SettingsError, match=r"at most 256 classes, and \(1, 1, 200\) give 404"):
        check_parts(CellRecipe(proteins=200))
