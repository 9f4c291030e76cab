import numpy as np
import pytest
from gaussian_blobs import distance_of_geometries

from gyrovox.errors import AlignmentError, SettingsError
from gyrovox.tomography.alignment import BundleAdjustment, align


def test_beads_are_taken_where_there_are_some(bead_series, true_geometry, points):
    found = align(bead_series, gold_diameter_nm=6.0)
    assert found.method == "fiducial"
    assert distance_of_geometries(found.series.geometry, true_geometry, points) < 0.3
    assert found.mean_residual == pytest.approx(np.nanmean(found.residuals))
    assert found.max_residual == pytest.approx(np.nanmax(found.residuals))
    np.testing.assert_array_equal(found.series.images, bead_series.images)


def test_patches_are_taken_where_there_are_none(beadless_series, true_geometry, monkeypatch):
    starts = []

    def by_patches(series, start, *, quiet):
        starts.append(start)
        residuals = np.full((len(series), 5), 0.5)
        return BundleAdjustment(
            geometry=true_geometry, landmarks=np.zeros((5, 3)), residuals=residuals
        )

    monkeypatch.setattr("gyrovox.tomography.alignment.aligning.align_by_patches", by_patches)
    found = align(beadless_series, gold_diameter_nm=6.0)
    assert (found.method, found.mean_residual) == ("patches", 0.5)
    assert found.series.geometry is true_geometry
    # Patches begin where neighbours have brought the images.
    assert starts[0].shifts.any()


def test_coarse_alignment_knows_no_residual(beadless_series):
    found = align(beadless_series, method="coarse")
    assert (found.method, found.mean_residual, found.max_residual) == ("coarse", None, None)
    assert found.series.geometry.shifts.any()


def test_what_cannot_be_aligned_is_refused(bead_series):
    with pytest.raises(AlignmentError, match="at least 3 images, and has 2"):
        align(bead_series.chosen(np.arange(2)))
    with pytest.raises(SettingsError, match=r"at least 2 pixels wide to be found, got 0\.5"):
        align(bead_series, method="fiducial", gold_diameter_nm=0.5)
