"""How far an alignment is from the true one."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gyrovox.errors import TiltSeriesError
from gyrovox.tomography import TiltGeometry
from gyrovox.tomography.alignment.beside_truth import alignment_error

SHAPE = (32, 64, 64)


@pytest.fixture
def true():
    generator = np.random.default_rng(0)
    tilts = np.arange(-60.0, 61.0, 6.0)
    return TiltGeometry(
        tilt_degrees=tilts,
        axis_degrees=np.full(len(tilts), 84.0),
        shifts=generator.normal(0, 5, (len(tilts), 2)),
    )


def altered(geometry, *, tilt=0.0, axis=0.0, shifts=0.0):
    return TiltGeometry(
        tilt_degrees=geometry.tilt_degrees + tilt,
        axis_degrees=geometry.axis_degrees + axis,
        shifts=geometry.shifts + shifts,
    )


def test_what_only_moves_the_specimen_is_no_error(true):
    """The same images, told of a specimen that lies elsewhere: its places project as before."""
    move = np.array([3.0, -2.0, 5.0])
    # In the frame whose middle is at `move`, every shift takes up what the move projects to.
    moved = altered(true, shifts=-np.einsum("tij,j->ti", true.matrices(), move))
    error = alignment_error(moved, true, SHAPE)
    assert error.mean == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(error.shift, move, atol=1e-6)


def test_a_specimen_tilted_on_the_stage_is_no_error(true):
    error = alignment_error(altered(true, tilt=4.0), true, SHAPE)
    assert error.mean == pytest.approx(0, abs=1e-6)
    points = np.random.default_rng(1).normal(0, 20, (5, 3))
    found = altered(true, tilt=4.0).project(error.moved(points))
    np.testing.assert_allclose(found, true.project(points), atol=1e-5)
    angle = np.rad2deg(Rotation.from_matrix(error.rotation).magnitude())
    assert angle == pytest.approx(4.0, abs=1e-4)


def test_one_image_that_is_shifted_shows_by_how_much(true):
    shifts = np.zeros((len(true), 2))
    shifts[7] = (3.0, 4.0)
    error = alignment_error(altered(true, shifts=shifts), true, SHAPE)
    assert error.distances.argmax() == 7
    # The other images pull the frame a little towards themselves only.
    assert error.distances[7] == pytest.approx(5.0, rel=0.15)
    assert np.delete(error.distances, 7).max() < 0.6


def test_a_wrong_axis_is_an_error(true):
    wrong = altered(true, axis=np.linspace(-1.0, 1.0, len(true)))
    assert alignment_error(wrong, true, SHAPE).mean > 0.1


def test_other_images_are_refused(true):
    fewer = TiltGeometry.ideal(true.tilt_degrees[1:])
    with pytest.raises(TiltSeriesError, match="have 20 and 21"):
        alignment_error(fewer, true, SHAPE)
