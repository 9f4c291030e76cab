import numpy as np
import pytest
from gaussian_blobs import dark_series, disturbed_geometry, drawn_blobs

from gyrovox.report.pictures.alignment import alignment_picture
from gyrovox.tomography.alignment import Alignment

TILTS = np.array([30.0, 0.0, -30.0])
GEOMETRY = disturbed_geometry(0, TILTS)


@pytest.fixture
def series():
    blobs = drawn_blobs(0, 4, (5, 8, 8))
    return dark_series(0.05 * blobs.images(GEOMETRY, (40, 48)), GEOMETRY)


def words(figure):
    return [text.get_text() for text in figure.texts]


def test_landmarks_are_drawn_where_they_should_be_seen(series):
    landmarks = np.array([[1.0, -4.0, 6.0], [0.0, 5.0, -7.0]])
    residuals = np.array([[0.2, 0.4], [0.1, np.nan], [0.3, 1.0]])
    found = Alignment(series=series, method="fiducial", landmarks=landmarks, residuals=residuals)
    figure = alignment_picture(series, found)
    assert "aligned by 2 beads: residual 0.40 pixels in the mean, 1.00 at most" in words(figure)
    image, residual, shift = figure.axes
    drawn = np.stack([image.lines[0].get_ydata(), image.lines[0].get_xdata()], axis=1)
    wanted = GEOMETRY.project(landmarks)[1] + np.array([20, 24])
    np.testing.assert_allclose(drawn, wanted)
    largest, mean = residual.lines
    # By tilt, from the lowest on.
    np.testing.assert_allclose(largest.get_xydata(), [[-30, 1.0], [0, 0.1], [30, 0.4]])
    np.testing.assert_allclose(mean.get_ydata(), [0.65, 0.1, 0.3])
    np.testing.assert_allclose(shift.lines[0].get_ydata(), GEOMETRY.shifts[::-1, 0])
    np.testing.assert_allclose(shift.lines[1].get_ydata(), GEOMETRY.shifts[::-1, 1])


def test_without_landmarks_the_picture_says_so(series):
    found = Alignment(
        series=series,
        method="coarse",
        landmarks=np.empty((0, 3)),
        residuals=np.empty((3, 0)),
    )
    figure = alignment_picture(series, found)
    assert "aligned by neighbours: 3 images" in words(figure)
    assert "none" in figure.axes[1].texts[0].get_text()
