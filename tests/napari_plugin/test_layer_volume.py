from types import SimpleNamespace

import numpy as np
import pytest

from gyrovox.errors import VolumeError
from gyrovox.napari_plugin.layer_volume import UnreadImage, voxel_size_nm


def layer(data, **facts):
    known = {
        "name": "cell",
        "data": data,
        "rgb": False,
        "multiscale": False,
        "scale": np.ones(data.ndim if isinstance(data, np.ndarray) else 3),
        "units": ("pixel",) * 3,
    }
    return SimpleNamespace(**{**known, **facts})


VOXELS = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def test_a_stack_is_a_volume_of_its_name():
    volume = UnreadImage(layer(VOXELS)).read()
    assert (volume.name, volume.shape, volume.voxel_size_nm) == ("cell", (1, 2, 3, 4), None)
    assert (volume.read()[0] == VOXELS).all()


@pytest.mark.parametrize(
    ("units", "scale", "expected"),
    [
        (("nanometer",) * 3, (4, 2, 1.5), (4.0, 2.0, 1.5)),
        (("micrometer",) * 3, (0.5, 0.25, 0.25), (500.0, 250.0, 250.0)),
        (("angstrom", "nm", "nm"), (10, -2, 1), (1.0, 2.0, 1.0)),
        (("pixel",) * 3, (4, 2, 2), None),
        (("second", "nm", "nm"), (4, 2, 2), None),
        (("second", "nm", "nm", "nm"), (9, 4, 2, 2), (4.0, 2.0, 2.0)),
    ],
)
def test_units_of_length_become_nm(units, scale, expected):
    found = voxel_size_nm(layer(VOXELS, units=units, scale=scale))
    assert found == (None if expected is None else pytest.approx(expected))


def test_of_several_resolutions_the_finest_is_taken():
    image = UnreadImage(layer([VOXELS, VOXELS[:, ::2, ::2]], multiscale=True))
    assert image.shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("data", "facts", "message"),
    [
        (np.zeros((3, 4)), {}, r"'cell' is a picture: shape \(3, 4\). Pass a stack"),
        (np.zeros((5, 2, 3, 4)), {}, r"'cell' has further axes: .*Split Stack"),
        (np.zeros((2, 3, 4, 3), np.uint8), {"rgb": True}, "'cell' has colours.*Split RGB"),
    ],
)
def test_what_is_no_volume_is_refused_in_words(data, facts, message):
    with pytest.raises(VolumeError, match=message):
        UnreadImage(layer(data, **facts))


def test_nothing_is_read_before_it_is_asked_for():
    class Unreadable:
        shape = (2, 3, 4)

        def __array__(self, dtype=None, copy=None):
            raise AssertionError("read too early")

    image = UnreadImage(layer(Unreadable()))
    with pytest.raises(AssertionError, match="too early"):
        image.read()
