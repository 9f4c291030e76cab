import tracemalloc

import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import MissingFileError
from gyrovox.io.volume_format import DatasetDescription
from gyrovox.volumes import Volume

SUFFIXES = (".mrc", ".nii", ".nii.gz", ".tif", ".ome.tif", ".h5", ".ome.zarr")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_described(suffix, volume, voxels, tmp_path):
    path = tmp_path / f"scan{suffix}"
    volume_io.write(volume, path)
    found = volume_io.describe(path)
    assert found.path == str(path)
    assert found.shape == (1, 5, 7, 9)
    assert found.axes == "channel, z, y, x"
    assert found.dtype == "float32"
    assert found.voxel_size_nm == pytest.approx((4.0, 1.5, 1.25))
    assert found.origin_nm == pytest.approx((10.0, -20.5, 33.25), rel=1e-6)
    assert found.directions == ("+z", "+y", "+x")
    assert found.value_range == (voxels.min(), voxels.max())
    assert found.memory_bytes == 5 * 7 * 9 * 4
    assert (found.not_finite, found.datasets) == (0, ())


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".mrc", "MRC"), (".nii", "NIfTI"), (".tif", "TIFF"), (".h5", "HDF5"), (".zarr", "OME-Zarr")],
)
def test_the_format_is_named(suffix, name, volume, tmp_path):
    volume_io.write(volume, tmp_path / f"a{suffix}")
    assert volume_io.describe(tmp_path / f"a{suffix}").format == name


def test_several_datasets_are_listed_and_one_can_be_named(tmp_path, voxels):
    import h5py

    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file["raw"], file["deep/truth"] = voxels, voxels > 0
    found = volume_io.describe(path)
    assert found.shape is None
    assert found.value_range is None
    assert found.datasets == (
        DatasetDescription("deep/truth", (5, 7, 9), "bool"),
        DatasetDescription("raw", (5, 7, 9), "float32"),
    )
    assert volume_io.describe(f"{path}::deep/truth").value_range == (0.0, 1.0)


def test_voxels_that_are_not_finite_are_counted_and_left_out_of_the_range(tmp_path, voxels):
    voxels[0, 0, :3] = np.nan, np.inf, -np.inf
    volume_io.write(Volume.from_array(voxels), tmp_path / "a.mrc")
    found = volume_io.describe(tmp_path / "a.mrc")
    finite = voxels[np.isfinite(voxels)]
    assert found.not_finite == 3
    assert found.value_range == (finite.min(), finite.max())


def test_without_a_finite_voxel_there_is_no_range(tmp_path):
    volume_io.write(Volume.from_array(np.full((5, 7, 9), np.nan)), tmp_path / "a.nii")
    assert volume_io.describe(tmp_path / "a.nii").value_range is None


def test_directions_are_those_of_the_world(tmp_path, voxels):
    affine = np.array([[0, 0, 2.0, 0], [-3.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 1]])
    turned = Volume.from_array(voxels, voxel_size_nm=(3.0, 4.0, 2.0), affine=affine)
    volume_io.write(turned, tmp_path / "a.nii")
    assert volume_io.describe(tmp_path / "a.nii").directions == ("-y", "+x", "+z")


def test_channels_are_described_together(tmp_path, volume):
    for name in ("a.mrc", "b.nii"):
        volume_io.write(volume, tmp_path / name)
    found = volume_io.describe(f"{tmp_path}/a.mrc,{tmp_path}/b.nii")
    assert found.shape == (2, 5, 7, 9)
    assert found.format == "MRC and NIfTI"
    assert found.path.count(",") == 1


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(MissingFileError, match=r"the file must exist, and does not"):
        volume_io.describe(tmp_path / "a.mrc")


@pytest.mark.parametrize("suffix", [".mrc", ".nii.gz", ".tif", ".h5", ".ome.zarr"])
def test_a_large_file_is_looked_through_in_little_memory(suffix, tmp_path):
    voxels = np.zeros((160, 500, 500), np.float32)  # 160 MB
    voxels[-1, -1, -1] = 7
    volume_io.write(Volume.from_array(voxels), tmp_path / f"a{suffix}")
    del voxels
    tracemalloc.start()
    found = volume_io.describe(tmp_path / f"a{suffix}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.value_range == (0.0, 7.0)
    assert peak < 60e6


def test_a_real_scan_is_described(shared_data):
    path = shared_data / "mri_brats2021_flair_oedema" / "BraTS2021_01646_flair.nii.gz"
    found = volume_io.describe(path)
    assert found.shape == (1, 104, 160, 160)
    assert found.voxel_size_nm == (1.5e6, 1.5e6, 1.5e6)
