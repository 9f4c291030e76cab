import numpy as np
import pytest
from gaussian_blobs import distance_of_geometries

from gyrovox.tomography.alignment import align_coarsely
from gyrovox.tomography.alignment.patches import align_by_patches


@pytest.fixture(scope="module")
def adjusted(beadless_series):
    return align_by_patches(beadless_series, align_coarsely(beadless_series), depth=24)


def test_a_series_without_beads_is_aligned_within_a_pixel(adjusted, true_geometry, points):
    assert distance_of_geometries(adjusted.geometry, true_geometry, points) < 0.7
    assert np.nanmean(adjusted.residuals) < 0.7


def test_patches_cover_the_specimen(adjusted):
    assert len(adjusted.landmarks) >= 20
    assert np.ptp(adjusted.landmarks[:, 1]) > 25
    assert np.ptp(adjusted.landmarks[:, 2]) > 25


def test_large_images_are_binned_and_the_answer_is_for_the_images_as_they_are(
    beadless_series, true_geometry, points, monkeypatch
):
    monkeypatch.setattr("gyrovox.tomography.alignment.patches._WIDEST", 40)
    monkeypatch.setattr("gyrovox.tomography.alignment.patches._ROUNDS", 1)
    monkeypatch.setattr(
        "gyrovox.tomography.alignment.patches.match_projections",
        lambda series, depth, *, quiet: series.geometry,
    )
    found = align_by_patches(beadless_series, true_geometry, depth=24)
    assert distance_of_geometries(found.geometry, true_geometry, points) < 0.8
    assert np.ptp(found.landmarks[:, 2]) > 25
