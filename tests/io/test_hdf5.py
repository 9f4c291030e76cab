import h5py
import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.volumes import Region, Volume


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stack.h5"


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 60000, (5, 7, 9), np.uint16)


def save(path, **datasets):
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file[name] = array


def set_attributes(path, name, **attributes):
    with h5py.File(path, "r+") as file:
        file[name].attrs.update(attributes)


def set_labels(path, name, axes):
    with h5py.File(path, "r+") as file:
        for dimension, axis in zip(file[name].dims, axes, strict=True):
            dimension.label = axis


def test_a_dataset_is_named_after_two_colons(path, stack):
    save(path, **{"a/raw": stack, "b": stack + 1})
    assert (volume_io.read(f"{path}::a/raw").read()[0] == stack).all()
    assert (volume_io.read(f"{path}::/b").read()[0] == stack + 1).all()
    cut = volume_io.read(f"{path}::a/raw").read(Region((1, 2, 3), (2, 5, 9)))
    assert (cut[0] == stack[1:2, 2:5, 3:9]).all()


def test_the_only_dataset_needs_no_name(path, stack):
    save(path, raw=stack, table=np.zeros((3, 2)), number=1.0)
    assert (volume_io.read(path).read()[0] == stack).all()


def test_several_datasets_are_listed(path, stack):
    save(path, raw=stack, truth=stack.astype(np.int32), table=np.zeros((3, 2)))
    listed = r"raw \(5, 7, 9\) uint16; truth \(5, 7, 9\) int32$"
    with pytest.raises(FileFormatError, match=rf"stack\.h5::NAME, as the file holds {listed}"):
        volume_io.read(path)
    with pytest.raises(FileFormatError, match=rf"has no 'row', but {listed}"):
        volume_io.read(f"{path}::row")


def test_a_file_without_a_volume_says_so(path):
    save(path, table=np.zeros((3, 2)))
    with pytest.raises(FileFormatError, match="as the file holds none with three axes"):
        volume_io.read(path)


def test_a_group_is_no_dataset(path, stack):
    save(path, **{"a/raw": stack})
    with pytest.raises(FileFormatError, match="has no 'a', but a/raw"):
        volume_io.read(f"{path}::a")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("element_size_um", (0.004, 0.0015, 0.00125)),
        ("element_size_nm", (4.0, 1.5, 1.25)),
        ("resolution", (4.0, 1.5, 1.25)),
        ("voxel_size", (4.0, 1.5, 1.25)),
    ],
)
def test_the_voxel_size_is_an_attribute(path, stack, name, value):
    save(path, raw=stack)
    set_attributes(path, "raw", **{name: value})
    assert volume_io.read(path).voxel_size_nm == (4.0, 1.5, 1.25)


@pytest.mark.parametrize("value", [(0.0, 1.0, 1.0), (1.0, 1.0), 3.0, "fine", (np.nan, 1.0, 1.0)])
def test_an_attribute_that_is_no_size_says_none(path, stack, value):
    save(path, raw=stack)
    set_attributes(path, "raw", resolution=value)
    assert volume_io.read(path).voxel_size_nm is None


def test_an_offset_in_nm_is_the_origin(path, stack):
    save(path, raw=stack)
    set_attributes(path, "raw", resolution=(40, 4, 4), offset=(400, -8, 12))
    assert volume_io.read(path).origin_nm == (400.0, -8.0, 12.0)


def test_a_size_that_another_program_changed_goes_before_our_affine(path, volume):
    volume_io.write(volume, path)
    set_attributes(path, "raw", element_size_um=(0.008, 0.003, 0.0025))
    assert volume_io.read(path).voxel_size_nm == (8.0, 3.0, 2.5)
    assert np.diag(volume_io.read(path).affine).tolist() == [8.0, 3.0, 2.5, 1.0]


def test_h5py_reads_what_is_written(path, volume):
    volume_io.write(volume, path)
    with h5py.File(path) as file:
        assert list(file) == ["raw"]
        assert (file["raw"][:] == volume.read()[0]).all()
        assert file["raw"].attrs["element_size_um"] == pytest.approx((0.004, 0.0015, 0.00125))
        assert file["raw"].attrs["affine_zyx"].tolist() == volume.affine.tolist()
        assert file["raw"].attrs["affine_zyx_unit"] == "nm"
        assert "".join(axis.label for axis in file["raw"].dims) == "zyx"


def test_labels_are_a_dataset_of_that_name_with_the_sources_attributes(path, stack, tmp_path):
    save(path, volume=stack)
    set_attributes(path, "volume", element_size_um=(0.235, 0.15, 0.15), colour="red")
    source = volume_io.read(path)
    target = tmp_path / "labels.h5"
    volume_io.write_labels((stack % 5).astype(np.uint8), target, like=source)
    with h5py.File(target) as file:
        assert list(file) == ["labels"]
        assert file["labels"].dtype == np.uint8
        assert (file["labels"][:] == stack % 5).all()
        assert set(file["labels"].attrs) == {"element_size_um", "DIMENSION_LABELS"}
        assert file["labels"].attrs["element_size_um"].tolist() == [0.235, 0.15, 0.15]


@pytest.mark.parametrize("axes", ["zyx", "xyz", "yzx"])
def test_named_axes_are_turned_and_labels_turned_back(path, stack, axes, tmp_path):
    save(path, raw=stack)
    set_labels(path, "raw", axes)
    volume = volume_io.read(path)
    expected = stack.transpose([axes.index(axis) for axis in "zyx"])
    assert (volume.read()[0] == expected).all()
    assert (volume.read(Region((1, 1, 1), (3, 4, 5)))[0] == expected[1:3, 1:4, 1:5]).all()
    target = tmp_path / "labels.h5"
    volume_io.write_labels((expected % 5).astype(np.uint8), target, like=volume)
    with h5py.File(target) as file:
        assert (file["labels"][:] == stack % 5).all()


@pytest.mark.parametrize("axes", ["czyx", "zyxc", "zcyx"])
def test_channels_are_an_axis_of_that_name(path, axes):
    stored = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    save(path, raw=stored)
    set_labels(path, "raw", axes)
    volume = volume_io.read(path)
    expected = stored.transpose([axes.index(axis) for axis in "czyx"])
    assert (volume.read() == expected).all()
    volume_io.write(volume, path, overwrite=True)
    assert (volume_io.read(path).read() == expected).all()


def test_four_axes_without_names_are_refused(path):
    save(path, raw=np.zeros((2, 3, 4, 5)))
    with pytest.raises(VolumeError, match=r"must have 3 axes.*has 4: \(2, 3, 4, 5\).*labels c, z"):
        volume_io.read(path)


def test_a_2d_dataset_is_refused(path):
    save(path, raw=np.zeros((4, 5)))
    with pytest.raises(VolumeError, match="must have 3 axes"):
        volume_io.read(f"{path}::raw")


@pytest.mark.parametrize("dtype", ["c8", "S3", h5py.string_dtype()])
def test_voxels_that_are_no_real_numbers_are_refused(path, dtype):
    with h5py.File(path, "w") as file:
        file.create_dataset("raw", (5, 7, 9), dtype)
    with pytest.raises(VolumeError, match="must be real numbers, and this dataset holds"):
        volume_io.read(path)


def test_truth_values_and_big_endian_numbers_are_read(path, stack):
    save(path, mask=stack > 30000, big=stack.astype(">u2"))
    assert (volume_io.read(f"{path}::mask").read()[0] == (stack > 30000)).all()
    big = volume_io.read(f"{path}::big")
    assert big.dtype.isnative
    assert (big.read()[0] == stack).all()


@pytest.mark.parametrize("part", [0.01, 0.5, 0.95])
def test_a_truncated_file_is_refused(path, stack, part):
    save(path, raw=stack)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(FileFormatError, match="must be whole HDF5, and is not"):
        volume_io.read(path)


def test_bytes_that_are_no_hdf5_are_refused(path):
    path.write_bytes(b"This is a letter, and no stack. " * 100)
    with pytest.raises(FileFormatError, match="must be whole HDF5, and is not"):
        volume_io.read(path)


def test_damage_within_a_chunk_is_said_when_it_is_met(path):
    volume_io.write(Volume.from_array(np.random.default_rng(0).normal(size=(5, 7, 9))), path)
    with h5py.File(path) as file:
        chunk = file["raw"].id.get_chunk_info(0)
    raw = bytearray(path.read_bytes())
    raw[chunk.byte_offset : chunk.byte_offset + 100] = bytes(100)
    path.write_bytes(raw)
    volume = volume_io.read(path)
    with pytest.raises(FileFormatError, match="every chunk must unpack, and one does not"):
        volume.read()


def test_a_real_stack_is_read_and_its_labels_lie_over_it(shared_data, tmp_path):
    path = shared_data / "em_fib25_medulla_labelled" / "fib25_z000-124.h5"
    volume = volume_io.read(f"{path}::raw")
    assert volume.voxel_size_nm == (10.0, 10.0, 10.0)
    with h5py.File(path) as file:
        assert (volume.read()[0] == file["raw"][:]).all()
        attribute = file["raw"].attrs["element_size_nm"].tolist()
    labels = (volume.read()[0] > 150).astype(np.uint8)
    volume_io.write_labels(labels, tmp_path / "labels.h5", like=volume)
    with h5py.File(tmp_path / "labels.h5") as file:
        assert (file["labels"][:] == labels).all()
        assert file["labels"].attrs["element_size_nm"].tolist() == attribute
    with pytest.raises(FileFormatError, match=r"raw .*; watershed_overseg"):
        volume_io.read(path)


def test_real_anisotropic_stacks_say_their_voxel_size(shared_data):
    path = shared_data / "fluo_arabidopsis_ovule_membrane" / "sample_ovule.h5"
    assert volume_io.read(f"{path}::raw").voxel_size_nm == (235.0, 150.0, 150.0)
