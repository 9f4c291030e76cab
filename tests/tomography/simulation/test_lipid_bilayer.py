"""The potential across a membrane."""

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.signal import find_peaks

from gyrovox.tomography.simulation.lipid_bilayer import (
    BILAYER_NM,
    bilayer_potential,
    filled,
    peak,
)

DEPTH = np.linspace(-5, 11, 1601)


def test_two_leaflets_lie_about_four_nm_apart_with_less_between():
    potential = bilayer_potential(DEPTH, 1.0)
    tops, _ = find_peaks(potential)
    assert np.diff(DEPTH[tops])[0] == pytest.approx(4.2, abs=0.4)
    assert potential[np.abs(DEPTH - BILAYER_NM / 2).argmin()] < 0
    np.testing.assert_allclose(potential, bilayer_potential(BILAYER_NM - DEPTH, 1.0), atol=1e-12)


@pytest.mark.parametrize("voxel_size_nm", [0.5, 1.5, 4.0])
def test_large_voxels_blur_a_membrane_and_take_nothing_of_it(voxel_size_nm):
    depth = np.linspace(-20, 26, 4601)
    whole = trapezoid(bilayer_potential(depth, voxel_size_nm), depth)
    assert whole == pytest.approx(trapezoid(bilayer_potential(depth, 0.1), depth), rel=1e-3)


def test_a_peak_is_the_gaussian_that_it_says():
    assert peak(np.array([0.0, 1.0]), 2.0, 1.0, 1e-6) == pytest.approx([2.0, 2 * np.exp(-0.5)])


def test_what_is_filled_has_an_edge_of_one_voxel():
    found = filled(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 3.0, 2.0)
    np.testing.assert_allclose(found, [0.0, 0.0, 1.5, 3.0, 3.0])
