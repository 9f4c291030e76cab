"""Where points fall in tilted images."""

import jaxtyping
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography import TiltGeometry


@pytest.fixture
def without_type_checks():
    """As users run it: the checks of shapes, which tests add, speak before ours."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def geometry(**columns):
    given = {
        "tilt_degrees": np.array([-40.0, 0.0, 25.0]),
        "axis_degrees": np.array([3.0, -2.0, 85.0]),
        "shifts": np.array([[1.0, -2.0], [0.0, 0.5], [3.0, 4.0]]),
    }
    return TiltGeometry(**{**given, **columns})


def test_points_fall_where_rotations_of_scipy_take_them():
    """The specimen turns about y by the tilt, then about the beam by the axis; then it shifts."""
    generator, taken = np.random.default_rng(0), geometry()
    points = generator.normal(size=(7, 3))
    xyz = points[:, ::-1]
    for index, found in enumerate(taken.project(points)):
        # About y, scipy's positive sense takes z to x: x' = x cos t + z sin t.
        tilted = Rotation.from_euler("y", taken.tilt_degrees[index], degrees=True).apply(xyz)
        # About the beam, from the rows' direction y towards x is scipy's negative sense.
        seen = Rotation.from_euler("z", -taken.axis_degrees[index], degrees=True).apply(tilted)
        expected = seen[:, 1::-1] + taken.shifts[index]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_matrices_project_before_the_shift():
    taken, points = geometry(), np.eye(3)
    found = np.einsum("tij,pj->tpi", taken.matrices(), points) + taken.shifts[:, None]
    np.testing.assert_allclose(found, taken.project(points))


def test_an_ideal_series_has_its_axis_along_the_rows_and_no_shifts():
    taken = TiltGeometry.ideal(np.array([-30.0, 30.0]))
    assert len(taken) == 2
    point = np.array([[2.0, 5.0, 0.0]])
    np.testing.assert_allclose(taken.project(point)[:, 0], [[5.0, -1.0], [5.0, 1.0]])


def test_chosen_images_keep_their_geometry():
    some = geometry().chosen(np.array([2, 0]))
    np.testing.assert_array_equal(some.tilt_degrees, [25.0, -40.0])
    np.testing.assert_array_equal(some.axis_degrees, [85.0, 3.0])
    np.testing.assert_array_equal(some.shifts, [[3.0, 4.0], [1.0, -2.0]])


@pytest.mark.usefixtures("without_type_checks")
def test_columns_must_be_equally_long():
    with pytest.raises(TiltSeriesError, match="must have a row for each image"):
        geometry(axis_degrees=np.zeros(2))


def test_there_must_be_an_image():
    with pytest.raises(TiltSeriesError, match="must have a row for each image"):
        TiltGeometry.ideal(np.zeros(0))


def test_numbers_must_be_finite():
    with pytest.raises(TiltSeriesError, match="must be finite"):
        geometry(shifts=np.full((3, 2), np.inf))


def test_a_tilt_of_90_degrees_sees_nothing():
    with pytest.raises(TiltSeriesError, match="between -90 and 90 degrees, and one is -90"):
        geometry(tilt_degrees=np.array([-90.0, 0.0, 30.0]))
