from dataclasses import replace

import numpy as np
import pytest
from gaussian_blobs import distance_of_geometries

from gyrovox.tomography.alignment import matching
from gyrovox.tomography.alignment.matching import match_projections


@pytest.fixture
def drifted(beadless_series, true_geometry):
    """Errors of a pixel that neighbours share: the tomogram has them, too."""
    tilts = true_geometry.tilt_degrees
    drift = np.stack([0.03 * tilts, 0.0002 * tilts**2], axis=1)
    return replace(
        beadless_series, geometry=replace(true_geometry, shifts=true_geometry.shifts + drift)
    )


def test_errors_that_neighbours_share_are_corrected_at_once(
    drifted, true_geometry, points, monkeypatch
):
    monkeypatch.setattr(matching, "_ROUNDS", 3)
    found = match_projections(drifted, 24)
    before = distance_of_geometries(drifted.geometry, true_geometry, points)
    assert before > 0.9
    assert distance_of_geometries(found, true_geometry, points) < 0.25
    middle = np.abs(true_geometry.tilt_degrees).argmin()
    np.testing.assert_allclose(found.shifts[middle], drifted.geometry.shifts[middle])


def test_a_step_that_goes_too_far_is_taken_back(drifted, true_geometry, points, monkeypatch):
    monkeypatch.setattr(matching, "_ROUNDS", 3)
    monkeypatch.setattr(matching, "_SHARED", 40.0)
    found = match_projections(drifted, 24)
    before = distance_of_geometries(drifted.geometry, true_geometry, points)
    assert distance_of_geometries(found, true_geometry, points) <= before + 1e-9
