import numpy as np
import pytest
from gaussian_blobs import distance_of_geometries
from scipy import optimize

from gyrovox.errors import AlignmentError
from gyrovox.tomography.alignment import adjust_bundle
from gyrovox.tomography.alignment.bundle_adjustment import _Problem


def seen_by(geometry, landmarks, *, noise=0.0, seed=0):
    generator = np.random.default_rng(seed)
    places = geometry.project(landmarks)
    return places + noise * generator.standard_normal(places.shape)


def test_a_perfect_bundle_is_found(true_geometry, nominal_geometry, beads, points):
    found = adjust_bundle(seen_by(true_geometry, beads.centres), nominal_geometry)
    assert distance_of_geometries(found.geometry, true_geometry, points) < 0.05
    assert np.nanmax(found.residuals) < 0.1
    # What was seen is where landmarks are projected to.
    again = found.geometry.project(found.landmarks)
    np.testing.assert_allclose(again, true_geometry.project(beads.centres), atol=0.1)


def test_noise_and_outliers_do_little(true_geometry, nominal_geometry, beads, points):
    seen = seen_by(true_geometry, beads.centres, noise=0.2)
    generator = np.random.default_rng(1)
    wrong = generator.random(seen.shape[:2]) < 0.05
    seen[wrong] += generator.uniform(5, 10, (wrong.sum(), 2))
    found = adjust_bundle(seen, nominal_geometry)
    assert distance_of_geometries(found.geometry, true_geometry, points) < 0.25
    # They are left out, and nothing else.
    assert np.isnan(found.residuals[wrong]).all()
    assert np.isnan(found.residuals[~wrong]).mean() < 0.02


def test_beads_that_are_hidden_may_be_missing(true_geometry, nominal_geometry, beads, points):
    seen = seen_by(true_geometry, beads.centres, noise=0.1)
    seen[np.random.default_rng(2).random(seen.shape[:2]) < 0.3] = np.nan
    found = adjust_bundle(seen, nominal_geometry)
    assert distance_of_geometries(found.geometry, true_geometry, points) < 0.25
    np.testing.assert_array_equal(np.isnan(found.residuals), np.isnan(seen[..., 0]))


def test_images_share_an_axis_where_they_have_no_angles_of_their_own(
    true_geometry, nominal_geometry, beads
):
    seen = seen_by(true_geometry, beads.centres)
    found = adjust_bundle(seen, nominal_geometry, own_angles=False).geometry
    assert np.ptp(found.axis_degrees) == pytest.approx(0, abs=1e-9)
    assert found.axis_degrees[0] == pytest.approx(true_geometry.axis_degrees.mean(), abs=0.15)
    np.testing.assert_array_equal(found.tilt_degrees, nominal_geometry.tilt_degrees)


def test_shifts_are_as_small_as_the_specimen_allows(true_geometry, nominal_geometry, beads):
    moved = beads.centres + np.array([5.0, -8.0, 6.0])
    found = adjust_bundle(seen_by(true_geometry, moved), nominal_geometry).geometry
    matrices = found.matrices()
    best, *_ = np.linalg.lstsq(matrices.reshape(-1, 3), found.shifts.ravel(), rcond=None)
    np.testing.assert_allclose(best, 0, atol=1e-9)


def test_slopes_are_those_of_differences(true_geometry, nominal_geometry, beads):
    seen = seen_by(true_geometry, beads.centres)
    seen[2, 3] = np.nan
    believed = ~np.isnan(seen[..., 0])
    problem = _Problem(seen, nominal_geometry)
    values = problem.start(believed)
    values += 0.1 * np.random.default_rng(3).standard_normal(len(values))

    def away(unknowns):
        geometry, landmarks = problem.unpacked(unknowns)
        return (geometry.project(landmarks) - seen)[believed].ravel()

    slopes = problem._slopes(values, believed)
    count = 2 * believed.sum()
    wanted = optimize.approx_fprime(values, away, 1e-6)
    np.testing.assert_allclose(slopes[:count], wanted, atol=1e-4)


def test_too_little_is_refused(true_geometry, nominal_geometry, beads):
    seen = seen_by(true_geometry, beads.centres)
    with pytest.raises(AlignmentError, match="at least 3 landmarks, and has 2"):
        adjust_bundle(seen[:, :2], nominal_geometry)
    rare = seen.copy()
    rare[2:, 0] = np.nan
    with pytest.raises(AlignmentError, match="at least 3 images, and one was in 2"):
        adjust_bundle(rare, nominal_geometry)
    empty = seen.copy()
    empty[4] = np.nan
    with pytest.raises(AlignmentError, match="image 4 shows none"):
        adjust_bundle(empty, nominal_geometry)
