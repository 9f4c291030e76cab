import numpy as np
import pytest

from gyrovox.volumes.cell_parts import CellRecipe, drawn_cell
from gyrovox.volumes.cell_surfaces import displacement

AXIS = np.arange(50) - 24.5
GRID = np.ix_(AXIS, AXIS, AXIS)


@pytest.mark.parametrize("seed", range(3))
def test_a_displacement_is_small_and_smooth(seed):
    solids, _ = drawn_cell(np.random.default_rng(seed), CellRecipe(), GRID, np.ones(3))
    moves = displacement(np.random.default_rng(seed), solids, CellRecipe(), GRID, np.ones(3))
    for move in moves:
        assert move.shape == (50, 50, 50)
        assert move.std() <= 1.5 + 1e-9
        # Of a field with a Gaussian spectrum of length 5, a step has 1 / (5 sqrt 2) of its spread.
        assert np.diff(move, axis=0).std() / move.std() == pytest.approx(1 / 5 / 2**0.5, rel=0.25)


def test_where_every_displacement_spoils_something_there_is_none():
    solids, _ = drawn_cell(np.random.default_rng(0), CellRecipe(), GRID, np.ones(3))
    # Two vesicles in one place: the second hides the first, however space is moved.
    hidden = [solids[0], solids[1], solids[1], *solids[3:]]
    coarse = np.ix_(AXIS[::5], AXIS[::5], AXIS[::5])
    found = displacement(np.random.default_rng(0), hidden, CellRecipe(), coarse, np.full(3, 5.0))
    assert found is None
