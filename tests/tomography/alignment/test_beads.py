from dataclasses import replace

import numpy as np
import pytest
from gaussian_blobs import distance_of_geometries

from gyrovox.errors import AlignmentError
from gyrovox.tomography.alignment.beads import align_by_beads, located_beads
from gyrovox.tomography.alignment.coarse import align_coarsely

DIAMETER = 6.0


@pytest.fixture(scope="module")
def adjusted(bead_series):
    return align_by_beads(bead_series, align_coarsely(bead_series), DIAMETER)


def test_the_geometry_is_found_to_a_fraction_of_a_pixel(adjusted, true_geometry, points):
    assert distance_of_geometries(adjusted.geometry, true_geometry, points) < 0.3
    assert np.nanmean(adjusted.residuals) < 0.3


def test_an_axis_that_was_off_by_degrees_is_found(adjusted, true_geometry):
    wanted = true_geometry.axis_degrees.mean()
    assert adjusted.geometry.axis_degrees.mean() == pytest.approx(wanted, abs=0.4)


def test_all_beads_are_followed_through_most_images(adjusted, beads):
    assert len(adjusted.landmarks) == len(beads.centres)
    views = (~np.isnan(adjusted.residuals)).mean(axis=0)
    assert views.min() > 0.4
    assert views.mean() > 0.7


def test_beads_are_where_they_were_put(adjusted, beads):
    """Up to a move of the whole: distances between them are those of the specimen."""
    found, wanted = (
        np.sort(np.linalg.norm(places[:, None] - places[None], axis=2).ravel())
        for places in (adjusted.landmarks, beads.centres)
    )
    np.testing.assert_allclose(found, wanted, atol=0.6)


def test_beads_of_an_aligned_series_are_located(beads, true_geometry):
    generator = np.random.default_rng(0)
    places = true_geometry.project(beads.centres)
    found = [generator.permutation(image)[generator.random(8) < 0.9] for image in places]
    located = located_beads(found, true_geometry, DIAMETER)
    distance = np.linalg.norm(located[:, None] - beads.centres[None], axis=2)
    # Those that the least tilted image hides cannot be located.
    assert len(located) >= 6
    assert distance.min(axis=1).max() < 0.1


def test_nothing_to_follow_is_refused(bead_series):
    blank = replace(bead_series, images=np.full_like(bead_series.images, 100.0))
    noise = np.random.default_rng(1).poisson(200, blank.images.shape).astype(np.float32)
    blank = replace(blank, images=noise)
    with pytest.raises(AlignmentError, match="needs at least 3 that are seen in 40 %"):
        align_by_beads(blank, blank.geometry, DIAMETER)
