from pathlib import Path

import pytest

from gyrovox.errors import FileFormatError
from gyrovox.io.formats import FORMATS, format_and_suffix


@pytest.mark.parametrize(
    ("name", "format_name", "suffix"),
    [
        ("a.mrc", "MRC", ".mrc"),
        ("a.rec", "MRC", ".rec"),
        ("a.nii", "NIfTI", ".nii"),
        ("a.b.NII.gz", "NIfTI", ".nii.gz"),
        ("a.tiff", "TIFF", ".tiff"),
        ("a.ome.tif", "TIFF", ".ome.tif"),
        ("a.h5", "HDF5", ".h5"),
        ("a.zarr", "OME-Zarr", ".zarr"),
        ("a.ome.zarr", "OME-Zarr", ".ome.zarr"),
    ],
)
def test_the_longest_suffix_holds(name, format_name, suffix):
    kind, found = format_and_suffix(Path("folder.mrc") / name)
    assert (kind.name, found) == (format_name, suffix)


def test_no_suffix_means_two_formats():
    suffixes = [suffix for kind in FORMATS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("name", ["a.png", "a", ".mrc", "mrc"])
def test_other_names_are_refused(name):
    with pytest.raises(FileFormatError, match=r"must end in one of .* came"):
        format_and_suffix(Path(name))
