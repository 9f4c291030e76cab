"""What objects are drawn into."""

import numpy as np
import pytest

from gyrovox.errors import SettingsError
from gyrovox.tomography.simulation import Part
from gyrovox.tomography.simulation.canvas import Canvas


def test_a_box_holds_the_voxels_within_reach_and_no_more():
    canvas = Canvas((10, 10, 10), 2.0)
    box = canvas.box_around(np.array([6.0, 7.0, 0.0]), 3.0)
    assert box == (slice(2, 5), slice(2, 6), slice(0, 2))


def test_a_box_outside_of_the_volume_is_empty():
    box = Canvas((10, 10, 10), 2.0).box_around(np.array([6.0, 90.0, 6.0]), 3.0)
    assert box[1].stop - box[1].start == 0


def test_offsets_are_distances_of_voxel_centres_from_the_origin():
    canvas = Canvas((10, 10, 10), 2.0)
    z, y, x = canvas.offsets((slice(2, 4), slice(0, 3), slice(5, 6)), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(z.ravel(), [3.0, 5.0])
    np.testing.assert_allclose(y.ravel(), [-2.0, 0.0, 2.0])
    np.testing.assert_allclose(x.ravel(), [7.0])
    assert np.broadcast_shapes(z.shape, y.shape, x.shape) == (2, 3, 1)


def test_voxels_that_are_taken_stay_what_they_are():
    canvas = Canvas((4, 4, 4), 1.0)
    box = (slice(0, 2), slice(0, 4), slice(0, 4))
    canvas.claim(box, np.ones((2, 4, 4), bool), Part.SPIKE, 1)
    whole = (slice(0, 4), slice(0, 4), slice(0, 4))
    canvas.claim(whole, np.ones((4, 4, 4), bool), Part.GOLD, 2)
    assert (canvas.parts[:2] == Part.SPIKE).all()
    assert (canvas.parts[2:] == Part.GOLD).all()
    canvas.claim(whole, np.ones((4, 4, 4), bool), Part.SHELL, 3, of=Part.SPIKE)
    assert (canvas.labels == np.repeat([3, 3, 2, 2], 16).reshape(4, 4, 4)).all()


def test_labels_of_insides_come_after_those_of_objects():
    canvas = Canvas((1, 1, 4), 1.0)
    label = canvas.inner_label(Part.VIRION_LUMEN)
    other = canvas.inner_label(Part.VESICLE_LUMEN)
    canvas.labels[0, 0] = [0, 2, label, other]
    labels, parts = canvas.finished([Part.VIRION_MEMBRANE, Part.VESICLE_MEMBRANE])
    assert labels.ravel().tolist() == [0, 2, 3, 4]
    assert parts.tolist() == [
        Part.BACKGROUND,
        Part.VIRION_MEMBRANE,
        Part.VESICLE_MEMBRANE,
        Part.VIRION_LUMEN,
        Part.VESICLE_LUMEN,
    ]


def test_there_may_not_be_more_objects_than_labels():
    with pytest.raises(SettingsError, match="at most 65535 objects, and this has 65536"):
        Canvas((1, 1, 1), 1.0).finished([Part.PROTEIN] * 65_536)
