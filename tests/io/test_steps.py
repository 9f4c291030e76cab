import numpy as np
import pytest

from gyrovox.errors import FileFormatError
from gyrovox.io.steps import SteppedSource, in_units
from gyrovox.volumes import InMemory, Region


def counts():
    return InMemory(np.arange(-30, 30, dtype=np.int8).reshape(2, 3, 2, 5))


def test_integers_are_read_as_the_numbers_they_count_steps_of():
    source = in_units("here", counts(), {"steps": [0.5, 2.0]})
    assert isinstance(source, SteppedSource)
    assert (source.shape, source.dtype) == ((2, 3, 2, 5), np.float32)
    found = source.read(Region((1, 0, 2), (3, 1, 5)))
    stored = counts().read(Region((1, 0, 2), (3, 1, 5)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, stored * np.array([0.5, 2.0]).reshape(2, 1, 1, 1))


@pytest.mark.parametrize("own", [None, {}, {"steps": None}, "text"])
def test_others_are_read_as_they_are(own):
    source = counts()
    assert in_units("here", source, own) is source


@pytest.mark.parametrize("steps", [[1.0], [1.0, 2.0, 3.0], "ab", ["a", "b"], 3])
def test_steps_that_do_not_fit_the_channels_are_refused(steps):
    with pytest.raises(FileFormatError, match=r"here: the steps .* each of the 2 channels, and"):
        in_units("here", counts(), {"steps": steps})
