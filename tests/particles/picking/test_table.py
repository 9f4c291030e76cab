"""Scores that can be compared, and tables in the tomogram's voxels."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.particles.picking.table import check_diameter, robust_z, table_of
from gyrovox.particles.picking.tomogram_grid import TomogramGrid


def test_scores_are_standard_deviations_whatever_a_few_voxels_are():
    scores = 5 + 2 * np.random.default_rng(0).standard_normal((30, 30, 30)).astype(np.float32)
    scores[:2] = 1e4
    found = robust_z(scores)[2:]
    assert found.mean() == pytest.approx(-0.1, abs=0.1)
    assert found.std() == pytest.approx(0.93, abs=0.1)


def test_a_map_that_does_not_vary_has_no_scores():
    assert not robust_z(np.full((4, 4, 4), 3.0, np.float32)).any()


def test_a_table_is_in_the_voxels_of_the_tomogram():
    grid = TomogramGrid(
        voxels=np.zeros((4, 4, 4), np.float32),
        voxel_size_nm=4.0,
        shape=(16, 16, 16),
        tomogram_voxel_size_nm=1.0,
        name="a b",
    )
    found = table_of(grid, np.array([[0.0, 1.0, 3.0]]), np.array([2.0]), diameter_nm=9.0, name="it")
    assert found.positions.tolist() == [[1.5, 5.5, 13.5]]
    assert found.shape == (16, 16, 16)
    assert found.tomogram == "a-b"
    assert found.classes == ("it",)
    assert found.diameters_nm.tolist() == [9.0]


@pytest.mark.parametrize("diameter", [0.0, -1.0, float("inf"), float("nan")])
def test_a_diameter_is_positive(diameter):
    with pytest.raises(SettingsError, match="must be above 0 nm"):
        check_diameter(diameter)
