import numpy as np
import pytest

from gyrovox.errors import FormatLossWarning, VolumeError
from gyrovox.io.storage import storable_dtype, stored_slabs, warn_of_lost_directions
from gyrovox.volumes import Volume

AVAILABLE = ("i1", "u2", "i2", "f2", "f4")


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        ("i1", "i1"),
        ("u1", "u2"),
        ("?", "i1"),
        ("i2", "i2"),
        ("f2", "f2"),
        ("f4", "f4"),
        ("i4", "f4"),
        ("f8", "f4"),
    ],
)
def test_the_first_type_that_holds_every_value_is_taken_else_the_last(dtype, stored):
    assert storable_dtype(np.dtype(dtype), AVAILABLE) == stored


def stored(array, dtype):
    slabs = stored_slabs(Volume.from_array(array), np.dtype(dtype), format_name="XYZ")
    return np.concatenate([voxels for _, voxels in slabs], axis=1)[0]


def test_whole_numbers_that_fit_are_stored_exactly():
    array = np.full((5, 7, 9), 2**24, np.int64)
    assert (stored(array, "f4") == array).all()


@pytest.mark.parametrize(("value", "dtype"), [(2**24 + 1, "f4"), (300, "u1"), (-1, "u2")])
def test_whole_numbers_that_do_not_fit_are_refused(value, dtype):
    with pytest.raises(VolumeError, match=r"XYZ must hold the voxels as .* int64 values do not"):
        stored(np.full((5, 7, 9), value, np.int64), dtype)


def test_digits_that_are_lost_are_said():
    with pytest.warns(FormatLossWarning, match="XYZ holds no float64; voxels are rounded to float"):
        assert stored(np.full((5, 7, 9), 0.1), "f4")[0, 0, 0] == np.float32(0.1)


def test_digits_that_are_zero_are_no_loss():
    array = np.full((5, 7, 9), 0.5)
    array[0, 0, :2] = np.nan, np.inf
    np.testing.assert_array_equal(stored(array, "f4"), array)


def test_slabs_keep_to_a_multiple_of_slices():
    volume = Volume.from_array(np.zeros((21, 700, 900), np.float32))
    slabs = stored_slabs(volume, volume.dtype, format_name="XYZ", multiple=8)
    assert [region.start[0] for region, _ in slabs] == [0, 8, 16]


def test_lost_directions_are_said(volume, turned_volume):
    warn_of_lost_directions(volume, "XYZ")
    with pytest.warns(FormatLossWarning, match=r"XYZ holds no rotation.*Write to \.nii\.gz"):
        warn_of_lost_directions(turned_volume, "XYZ")
