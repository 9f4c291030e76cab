import nibabel
import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.volumes import Volume

REVERSED = np.eye(4)[[2, 1, 0, 3]]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.nii"


def save(path, array=None, affine=None, **fields):
    """By nibabel; fields are those of the header, `unit` is set by name."""
    array = np.zeros((9, 7, 5), np.float32) if array is None else array
    image = nibabel.Nifti1Image(array, affine)
    unit = fields.pop("unit", None)
    if unit is not None:
        image.header.set_xyzt_units(xyz=unit)
    for name, value in fields.items():
        image.header[name] = value
    nibabel.save(image, path)


@pytest.mark.parametrize(
    ("unit", "nm"), [("mm", 1e6), ("micron", 1e3), ("meter", 1e9), ("unknown", 1e6)]
)
def test_units_are_those_of_the_header_and_mm_by_default(path, unit, nm):
    save(path, affine=np.diag([1.25, 1.5, 4.0, 1.0]), unit=unit)
    assert volume_io.read(path).voxel_size_nm == pytest.approx((4.0 * nm, 1.5 * nm, 1.25 * nm))


def test_the_affine_is_nibabels_with_axes_turned_on_both_sides(path):
    affine = np.array([[0, -1.5, 0, 10], [1.25, 0, 0, -20], [0, 0, 4, 33], [0, 0, 0, 1]])
    save(path, affine=affine, unit="mm")
    volume = volume_io.read(path)
    assert volume.voxel_size_nm == (4e6, 1.5e6, 1.25e6)
    x, y, z = 3, 4, 2
    world = nibabel.load(path).affine @ (x, y, z, 1)
    seen = volume.affine @ (z, y, x, 1)
    assert seen[:3][::-1] / 1e6 == pytest.approx(world[:3])


def test_sform_goes_before_qform(path):
    image = nibabel.Nifti1Image(np.zeros((9, 7, 5), np.float32), None)
    image.header.set_qform(np.diag([1.0, 1, 1, 1]), code=1)
    image.header.set_sform(np.diag([2.0, 2, 2, 1]), code=2)
    nibabel.save(image, path)
    assert volume_io.read(path).voxel_size_nm == (2e6, 2e6, 2e6)


def test_qform_holds_where_there_is_no_sform(path):
    image = nibabel.Nifti1Image(np.zeros((9, 7, 5), np.float32), None)
    affine = np.diag([-1.25, 1.5, 4.0, 1.0])
    affine[:3, 3] = 5, 6, 7
    image.header.set_qform(affine, code=1)
    image.header.set_sform(None, code=0)
    nibabel.save(image, path)
    np.testing.assert_allclose(
        volume_io.read(path).affine[:3], (REVERSED @ affine @ REVERSED)[:3] * 1e6, atol=1e-1
    )


def raw_header(path, change):
    """Change the header of a file behind nibabel's back."""
    raw = bytearray(path.read_bytes())
    header = np.frombuffer(raw, nibabel.Nifti1Header.template_dtype, 1)
    change(header[0])
    path.write_bytes(raw)


def test_without_either_transform_the_voxel_lengths_hold(path):
    save(path, affine=np.eye(4))

    def change(header):
        header["sform_code"] = header["qform_code"] = 0
        header["pixdim"][1:4] = 1.25, 1.5, 4.0

    raw_header(path, change)
    volume = volume_io.read(path)
    assert np.diag(volume.affine).tolist() == [4e6, 1.5e6, 1.25e6, 1]


def test_a_header_that_says_nothing_says_no_voxel_size(path):
    save(path, affine=np.eye(4))

    def change(header):
        header["sform_code"] = header["qform_code"] = 0

    raw_header(path, change)
    volume = volume_io.read(path)
    assert volume.voxel_size_nm is None
    assert volume.affine.tolist() == np.eye(4).tolist()


def test_a_size_that_is_unknown_stays_so(path, voxels):
    volume_io.write(Volume.from_array(voxels), path)
    assert volume_io.read(path).voxel_size_nm is None
    volume_io.write(volume_io.read(path).with_voxel_size((2.0, 3.0, 4.0)), path, overwrite=True)
    assert volume_io.read(path).voxel_size_nm == (2.0, 3.0, 4.0)


@pytest.mark.parametrize("sizes", [(4.0, 1.5, 1.25), (250.0, 100.0, 100.0), (1e6, 9e5, 9e5)])
def test_nibabel_reads_the_geometry_that_is_written(path, voxels, sizes):
    volume_io.write(Volume.from_array(voxels, voxel_size_nm=sizes), path)
    image = nibabel.load(path)
    unit = image.header.get_xyzt_units()[0]
    nm = {"micron": 1e3, "mm": 1e6}[unit]
    assert unit == ("micron" if sizes[0] < 1e4 else "mm")
    assert [zoom * nm for zoom in image.header.get_zooms()] == pytest.approx(sizes[::-1])
    np.testing.assert_allclose(image.header.get_sform(), image.header.get_qform(), atol=1e-6)
    assert (image.header["sform_code"], image.header["qform_code"]) == (1, 1)


def test_a_shear_is_left_out_of_the_qform(path, voxels):
    affine = np.eye(4)
    affine[0, 1] = 0.5
    sizes = tuple(np.linalg.norm(affine[:3, :3], axis=0).tolist())
    volume_io.write(Volume.from_array(voxels, voxel_size_nm=sizes, affine=affine), path)
    assert nibabel.load(path).header["qform_code"] == 0
    np.testing.assert_allclose(volume_io.read(path).affine, affine, atol=1e-6)


def test_a_2d_image_is_refused(path):
    save(path, np.zeros((9, 7), np.float32))
    with pytest.raises(VolumeError, match=r"2-D image: \(9, 7\)"):
        volume_io.read(path)


def test_one_slice_is_a_2d_image(path):
    save(path, np.zeros((9, 7, 1), np.float32))
    with pytest.raises(VolumeError, match="this is a 2-D image"):
        volume_io.read(path)


def test_a_time_series_is_refused(path):
    save(path, np.zeros((9, 7, 5, 3), np.float32))
    with pytest.raises(VolumeError, match=r"4-D time series, or more: \(9, 7, 5, 3\)"):
        volume_io.read(path)


def test_more_axes_than_channels_are_refused(path):
    save(path, np.zeros((9, 7, 5, 1, 2, 3), np.float32))
    with pytest.raises(VolumeError, match="4-D time series, or more"):
        volume_io.read(path)


def test_axes_of_length_1_say_nothing(path):
    save(path, np.zeros((9, 7, 5, 1), np.float32))
    assert volume_io.read(path).shape == (1, 5, 7, 9)


@pytest.mark.parametrize(
    ("dtype", "holds"),
    [(np.complex64, "complex64 numbers"), ([("R", "u1"), ("G", "u1"), ("B", "u1")], "RGB colours")],
)
def test_voxels_that_are_no_real_numbers_are_refused(path, dtype, holds):
    save(path, np.zeros((9, 7, 5), dtype))
    with pytest.raises(VolumeError, match=f"must be real numbers, and this file holds {holds}"):
        volume_io.read(path)


def test_bytes_that_are_no_header_are_refused(path):
    path.write_bytes(b"This is a letter, and no scan. " * 100)
    with pytest.raises(FileFormatError, match="must start with a sound NIfTI header"):
        volume_io.read(path)


def test_an_orientation_that_is_no_rotation_is_refused(path):
    save(path, affine=np.eye(4))

    def change(header):
        header["sform_code"], header["qform_code"] = 0, 1
        header["quatern_b"] = header["quatern_c"] = 5.0

    raw_header(path, change)
    with pytest.raises(FileFormatError, match=r"sound NIfTI header, .*w2 should be positive"):
        volume_io.read(path)


def test_a_transform_of_zeros_is_refused(path):
    save(path, affine=np.eye(4))

    def change(header):
        header["srow_x"] = header["srow_y"] = header["srow_z"] = 0

    raw_header(path, change)
    with pytest.raises(VolumeError, match="affine must be finite and invertible"):
        volume_io.read(path)
