import gzip
import hashlib

import nibabel
import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError
from gyrovox.volumes import Region, Volume

AFFINE = np.array([[0, -1.5, 0, 10], [1.25, 0, 0, -20], [0, 0, -4, 33], [0, 0, 0, 1]])


@pytest.fixture(params=[".nii", ".nii.gz"])
def path(request, tmp_path):
    return tmp_path / f"scan{request.param}"


@pytest.fixture
def array():
    """(x, y, z), as nibabel has it."""
    return np.random.default_rng(0).integers(-999, 999, (9, 7, 5), np.int16)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "i8", "u8", "f8"])
def test_what_nibabel_writes_is_read(path, array, dtype):
    stored = abs(array).astype(dtype)
    nibabel.save(nibabel.Nifti1Image(stored, AFFINE, dtype=stored.dtype), path)
    volume = volume_io.read(path)
    assert volume.dtype == stored.dtype
    assert (volume.read()[0] == stored.T).all()


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
def test_nibabel_reads_what_is_written(path, array, dtype):
    voxels = abs(array).T.astype(dtype)
    volume_io.write(Volume.from_array(voxels, voxel_size_nm=(4e6, 1.5e6, 1.25e6)), path)
    image = nibabel.load(path)
    assert image.get_data_dtype() == dtype
    assert (voxels == np.asarray(image.dataobj).T).all()


@pytest.mark.parametrize("image_type", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_versions_and_byte_orders_are_read_and_their_labels_kept_alike(
    path, array, image_type, tmp_path
):
    for order in "<>":
        header = image_type.header_class(endianness=order)
        image = image_type(array, AFFINE, header)
        nibabel.save(image, path)
        source = volume_io.read(path)
        assert (source.read()[0] == array.T).all()
        target = tmp_path / f"labels{path.name}"
        volume_io.write_labels(np.ones((5, 7, 9), np.uint16), target, like=source, overwrite=True)
        written = nibabel.load(target)
        assert type(written) is image_type
        assert written.header.endianness == order
        assert (np.asarray(written.dataobj) == 1).all()


def test_slope_and_intercept_are_applied(path, array):
    image = nibabel.Nifti1Image(array, AFFINE)
    image.header.set_slope_inter(0.25, -7.5)
    nibabel.save(image, path)
    assert nibabel.load(path).dataobj.slope == 0.25
    volume = volume_io.read(path)
    assert volume.dtype == np.float32
    assert (volume.read()[0] == nibabel.load(path).get_fdata().T).all()
    cut = volume.read(Region((1, 2, 3), (4, 5, 6)))
    assert (cut[0] == volume.read()[0, 1:4, 2:5, 3:6]).all()


def test_scaled_numbers_of_many_digits_stay_float64(path, array):
    image = nibabel.Nifti1Image(array.astype(np.int32), AFFINE)
    image.header.set_slope_inter(0.1, 0)
    nibabel.save(image, path)
    assert volume_io.read(path).dtype == np.float64


def test_labels_keep_the_header_and_are_scaled_by_nothing(path, array, tmp_path):
    image = nibabel.Nifti1Image(array, None)
    image.header.set_sform(AFFINE, code=4)
    image.header.set_qform(np.diag([-1.25, 1.5, 4.0, 1.0]), code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(0.25, -7.5)
    image.header["descrip"] = b"3 T"
    image.header["cal_max"] = 900
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"of a scanner"))
    nibabel.save(image, path)
    source = volume_io.read(path)
    target = tmp_path / f"labels{''.join(path.suffixes)}"
    labels = np.random.default_rng(0).integers(0, 4, (5, 7, 9), np.uint8)
    volume_io.write_labels(labels, target, like=source)
    written, before = nibabel.load(target), nibabel.load(path)
    assert (labels == np.asarray(written.dataobj).T).all()
    assert (written.dataobj.slope, written.dataobj.inter) == (1, 0)
    assert written.get_data_dtype() == np.uint8
    assert written.header.get_intent()[0] == "label"
    assert written.header["cal_max"] == 0
    assert written.header.extensions[0].get_content() == b"of a scanner"
    assert written.affine.tolist() == before.affine.tolist()
    for field in ("sform_code", "qform_code", "pixdim", "xyzt_units", "descrip", "srow_x"):
        assert written.header[field].tolist() == before.header[field].tolist()
    np.testing.assert_array_equal(written.header.get_qform(), before.header.get_qform())


def test_channels_are_the_fifth_axis(path):
    voxels = np.random.default_rng(0).normal(size=(3, 5, 7, 9))
    volume_io.write(Volume.from_array(voxels), path)
    image = nibabel.load(path)
    assert image.shape == (9, 7, 5, 1, 3)
    assert image.header.get_intent()[0] == "vector"
    assert (voxels == np.asarray(image.dataobj)[:, :, :, 0].T).all()
    assert (volume_io.read(path).read() == voxels).all()


@pytest.mark.parametrize("part", [0.0001, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused_before_it_is_read(path, array, part):
    big = np.random.default_rng(0).normal(size=(30, 40, 50))
    nibabel.save(nibabel.Nifti1Image(big, AFFINE), path)
    raw = path.read_bytes()
    path.write_bytes(raw[: max(1, int(len(raw) * part))])
    with pytest.raises(FileFormatError, match=r"truncated|must start with a sound NIfTI header"):
        volume_io.read(path)


def test_a_file_with_more_than_its_header_says_is_refused(path, array):
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), path)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    raw += b"\0\0"
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    with pytest.raises(FileFormatError, match=r"must have 982 bytes .* and it has 984"):
        volume_io.read(path)


def test_gzip_members_that_follow_one_another_are_joined(tmp_path, array):
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), tmp_path / "scan.nii")
    raw = (tmp_path / "scan.nii").read_bytes()
    parts = [raw[:400], raw[400:700], raw[700:]]
    (tmp_path / "scan.nii.gz").write_bytes(b"".join(gzip.compress(part) for part in parts))
    assert (volume_io.read(tmp_path / "scan.nii.gz").read()[0] == array.T).all()


def test_damage_within_gzip_is_said_when_it_is_met(tmp_path):
    path = tmp_path / "scan.nii.gz"
    big = np.random.default_rng(0).normal(size=(30, 40, 50))
    nibabel.save(nibabel.Nifti1Image(big, AFFINE), path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(FileFormatError, match="must be whole gzip data, and is damaged"):
        volume_io.read(path).read()


def test_the_same_volume_gives_the_same_bytes_under_any_name(tmp_path, volume):
    for name in ("a.nii.gz", "b.nii.gz"):
        volume_io.write(volume, tmp_path / name)
    first, second = (
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("a.nii.gz", "b.nii.gz")
    )
    assert first == second


def test_a_real_scan_reads_as_in_nibabel_and_its_labels_lie_over_it(shared_data, tmp_path):
    path = shared_data / "mri_brats2013" / "pat0001" / "Flair_subtrMeanDivStd.nii.gz"
    volume = volume_io.read(path)
    image = nibabel.load(path)
    assert volume.shape == (1, 155, 240, 240)
    assert volume.voxel_size_nm == (1e6, 1e6, 1e6)
    assert (volume.read()[0] == image.get_fdata(dtype=np.float32).T).all()
    labels = (volume.read()[0] > 1).astype(np.uint8)
    volume_io.write_labels(labels, tmp_path / "labels.nii.gz", like=volume)
    written = nibabel.load(tmp_path / "labels.nii.gz")
    assert written.affine.tolist() == image.affine.tolist()
    assert written.shape == image.shape
    assert (labels == np.asarray(written.dataobj).T).all()


def test_real_modalities_are_channels(shared_data):
    folder = shared_data / "mri_brats2013" / "pat0003"
    paths = [folder / f"{name}_subtrMeanDivStd.nii.gz" for name in ("Flair", "T1c")]
    volume = volume_io.read(paths)
    assert volume.shape == (2, 155, 240, 240)
    joined = volume_io.read(",".join(map(str, paths)))
    region = Region((70, 100, 90), (72, 130, 140))
    assert (joined.read(region) == volume.read(region)).all()
    assert (volume.read(region)[1] == volume_io.read(paths[1]).read(region)[0]).all()
