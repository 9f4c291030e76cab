from dataclasses import replace

import numpy as np
from gaussian_blobs import distance_of_geometries

from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.alignment import align_coarsely
from gyrovox.tomography.alignment.coarse import outwards, plane_to_detector, stretched


def test_images_are_aligned_within_pixels(beadless_series, nominal_geometry, true_geometry, points):
    found = align_coarsely(beadless_series)
    before = distance_of_geometries(nominal_geometry, true_geometry, points)
    after = distance_of_geometries(found, true_geometry, points)
    assert before > 2.5
    assert after < 1.3
    np.testing.assert_array_equal(found.tilt_degrees, nominal_geometry.tilt_degrees)


def test_images_come_from_the_least_tilted_one_on():
    tilts = np.array([6.0, -3.0, 0.5, 3.0, -6.0])
    assert outwards(tilts) == [(2, 2), (3, 2), (1, 2), (0, 3), (4, 1)]


def test_the_middle_plane_is_seen_as_points_of_it_are(true_geometry):
    points = np.pad(np.random.default_rng(0).uniform(-20, 20, (5, 2)), ((0, 0), (1, 0)))
    for index in (0, 10, 17):
        seen = points[:, 1:] @ plane_to_detector(true_geometry, index).T
        wanted = true_geometry.project(points)[index] - true_geometry.shifts[index]
        np.testing.assert_allclose(seen, wanted, atol=1e-10)


def test_a_flat_specimen_looks_in_one_image_as_another_one_shows_it():
    """Stripes along the axis, of which a tilt makes narrower ones."""
    tilts = np.array([0.0, 50.0])
    geometry = TiltGeometry(
        tilt_degrees=tilts, axis_degrees=np.array([10.0, 10.0]), shifts=np.zeros((2, 2))
    )
    rows, columns = np.indices((60, 60)) - 30
    angle = np.deg2rad(10)
    across = columns * np.cos(angle) - rows * np.sin(angle)
    flat = np.cos(across / 6).astype(np.float32)
    found = stretched(
        flat, geometry, 0, 1, shape=(40, 40), centre=np.array([1.0, 2.0]), shift=np.zeros(2)
    )
    rows, columns = np.indices((40, 40)) - 20
    across = (columns + 2) * np.cos(angle) - (rows + 1) * np.sin(angle)
    wanted = np.cos(across / np.cos(np.deg2rad(50)) / 6)
    inner = np.abs(across / np.cos(np.deg2rad(50))) < 26
    np.testing.assert_allclose(found[inner], wanted[inner], atol=0.02)


def test_earlier_shifts_are_no_start(beadless_series, nominal_geometry):
    fresh = align_coarsely(beadless_series)
    shifted = replace(nominal_geometry, shifts=nominal_geometry.shifts + 0.0)
    again = align_coarsely(replace(beadless_series, geometry=shifted))
    np.testing.assert_array_equal(fresh.shifts, again.shifts)
