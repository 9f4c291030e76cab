import os
import subprocess
import sys

import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import (
    FileAccessError,
    FileFormatError,
    MissingFileError,
    VolumeMismatchError,
)
from gyrovox.volumes import Volume

FILES = ("a.mrc", "a.nii", "a.nii.gz", "a.tif", "a.h5")


@pytest.mark.parametrize("name", [*FILES, "a.ome.zarr", "a.h5::raw"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(MissingFileError, match=r"the file must exist, and does not"):
        volume_io.read(f"{tmp_path}/{name}")


@pytest.mark.parametrize("name", FILES)
def test_a_folder_where_a_file_is_meant_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(MissingFileError, match=r"must be a file, and this is a folder"):
        volume_io.read(tmp_path / name)


def test_a_folder_of_any_other_name_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r"must be a file, or an OME-Zarr folder"):
        volume_io.read(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_an_empty_file_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(FileFormatError, match=r"must hold a volume, and it is empty \(0 bytes\)"):
        volume_io.read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a", "a.gz", "a.npy"])
def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path, name):
    (tmp_path / name).write_bytes(b"abc")
    known = r"\.mrc, .*\.nii\.gz, .*\.tif, .*\.h5, .*\.ome\.zarr"
    with pytest.raises(FileFormatError, match=rf"must end in one of {known}.* came"):
        volume_io.read(tmp_path / name)


def test_a_dataset_is_refused_where_there_are_none(tmp_path, volume):
    volume_io.write(volume, tmp_path / "a.mrc")
    with pytest.raises(FileFormatError, match=r"only HDF5 and Zarr hold datasets.*'::raw'"):
        volume_io.read(f"{tmp_path}/a.mrc::raw")


def test_a_file_that_may_not_be_read_is_said(tmp_path, volume, monkeypatch):
    volume_io.write(volume, tmp_path / "a.mrc")
    # Whoever runs the tests may be allowed everything, so the system's answer is replaced.
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(FileAccessError, match=r"this user may not read it"):
        volume_io.read(tmp_path / "a.mrc")


@pytest.mark.parametrize("nothing", ["", " , ", []])
def test_nothing_is_no_volume(nothing):
    with pytest.raises((MissingFileError, FileFormatError), match=r"must"):
        volume_io.read(nothing)


@pytest.mark.parametrize("name", ["a.mrc", "a.nii.gz", "a.h5", "a.ome.zarr"])
def test_one_slice_is_a_2d_image(tmp_path, name):
    volume_io.write(Volume.from_array(np.zeros((1, 7, 9), np.float32)), tmp_path / name)
    with pytest.raises(ValueError, match=r"2-D image: \(1, 7, 9\) \(z, y, x\)"):
        volume_io.read(tmp_path / name)


def test_several_files_are_channels(tmp_path, voxels):
    names = ("a.mrc", "b.nii.gz", "c.tif")
    for number, name in enumerate(names):
        path = tmp_path / name
        volume_io.write(Volume.from_array(voxels + number, voxel_size_nm=(4.0, 1.5, 1.25)), path)
    paths = [tmp_path / name for name in names]
    for given in (paths, ",".join(map(str, paths)), ", ".join(map(str, paths))):
        volume = volume_io.read(given)
        assert volume.name == "a.mrc"
        assert (volume.read() == np.stack([voxels, voxels + 1, voxels + 2])).all()


def test_a_name_with_a_comma_is_one_file_where_it_is_there(tmp_path, volume):
    path = tmp_path / "a,b.mrc"
    volume_io.write(volume, path)
    assert volume_io.read(str(path)).channels == 1


def test_channels_of_two_shapes_are_refused(tmp_path, voxels):
    volume_io.write(Volume.from_array(voxels), tmp_path / "a.mrc")
    volume_io.write(Volume.from_array(voxels[1:]), tmp_path / "b.mrc")
    with pytest.raises(VolumeMismatchError, match=r"\(5, 7, 9\) and \(4, 7, 9\) voxels"):
        volume_io.read([tmp_path / "a.mrc", tmp_path / "b.mrc"])


def test_the_suffix_may_be_in_capitals(tmp_path, volume):
    volume_io.write(volume, tmp_path / "A.MRC")
    assert (volume_io.read(tmp_path / "A.MRC").read() == volume.read()).all()


def test_importing_io_loads_no_format_library():
    code = "import sys, gyrovox.io; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"torch", "mrcfile", "nibabel", "tifffile", "h5py", "zarr"}
    assert not heavy & set(loaded)
