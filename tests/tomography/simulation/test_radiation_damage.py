"""What exposure takes away."""

import numpy as np
import pytest

from gyrovox.tomography.simulation.radiation_damage import critical_exposure, remaining_amplitude


def test_the_critical_exposure_is_that_of_the_published_curve():
    """At 1/10 Å the formula of Grant & Grigorieff gives 14.1 e/Å², at 1/3 Å 4.3."""
    found = critical_exposure(np.array([1.0, 10 / 3, 0.0]))
    np.testing.assert_allclose(found[:2], [14.14, 4.34], rtol=0.002)
    assert found[2] == np.inf


def test_at_200_kv_damage_is_done_sooner():
    frequency = np.array([0.5, 2.0])
    np.testing.assert_allclose(
        critical_exposure(frequency, 200.0), 0.8 * critical_exposure(frequency, 300.0)
    )


def test_amplitudes_fall_to_one_over_root_e_at_the_critical_exposure():
    frequency = np.array([1.0])
    exposure = float(critical_exposure(frequency)[0])
    assert remaining_amplitude(frequency, exposure)[0] == pytest.approx(np.exp(-0.5))


def test_the_mean_is_never_damaged_and_fine_detail_first():
    found = remaining_amplitude(np.array([0.0, 0.1, 0.3]), 120.0)
    assert found[0] == 1.0
    assert found[1] > found[2] > 0
