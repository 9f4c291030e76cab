from dataclasses import replace

import numpy as np
from gaussian_blobs import distance_of_geometries

from gyrovox.tomography.alignment.matching import match_projections


def test_errors_that_neighbours_share_are_corrected_too(beadless_series, true_geometry, points):
    tilts = true_geometry.tilt_degrees
    generator = np.random.default_rng(0)
    drift = np.stack([0.03 * tilts, 0.0002 * tilts**2], axis=1)
    wrong = drift + 0.3 * generator.standard_normal((len(tilts), 2))
    start = replace(true_geometry, shifts=true_geometry.shifts + wrong)
    found = match_projections(replace(beadless_series, geometry=start), 24)
    before, after = (
        distance_of_geometries(geometry, true_geometry, points) for geometry in (start, found)
    )
    assert after < 0.5 * before
    assert after < 0.5
    middle = np.abs(tilts).argmin()
    np.testing.assert_allclose(found.shifts[middle], start.shifts[middle])
