import sys

import mrcfile
import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import FormatLossWarning, VolumeError
from gyrovox.io.mrc_header import header_to_write
from gyrovox.volumes import Region, Volume, axis_aligned


def made_by_mrcfile(path, voxels, **fields):
    with mrcfile.new(path) as file:
        file.set_data(voxels)
        file.voxel_size = (12.5, 15.0, 40.0)
        for name, value in fields.items():
            file.header[name] = value


def test_mrcfile_reads_what_is_written(volume, tmp_path):
    path = tmp_path / "out.mrc"
    volume_io.write(volume, path)
    assert mrcfile.validate(path)
    with mrcfile.open(path) as file:
        assert (file.data == volume.read()[0]).all()
        assert file.voxel_size.tolist() == pytest.approx((12.5, 15.0, 40.0))
        assert file.header.origin.tolist() == pytest.approx((332.5, -205.0, 100.0))
        assert file.header.dmin == file.data.min()
        assert file.header.dmax == file.data.max()
        assert file.header.dmean == pytest.approx(file.data.mean(), abs=1e-6)
        assert file.header.rms == pytest.approx(file.data.std(), rel=1e-5)


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2", "f4"])
def test_what_mrcfile_writes_is_read(dtype, tmp_path):
    voxels = (np.random.default_rng(0).normal(size=(5, 7, 9)) * 30 + 50).astype(dtype)
    made_by_mrcfile(tmp_path / "in.mrc", voxels)
    volume = volume_io.read(tmp_path / "in.mrc")
    assert volume.dtype == voxels.dtype
    assert (volume.read()[0] == voxels).all()
    assert volume.voxel_size_nm == (4.0, 1.5, 1.25)


@pytest.mark.parametrize(("largest", "mode"), [(7, 0), (127, 0), (128, 6), (60000, 6)])
def test_labels_are_mode_0_as_long_as_signed_and_unsigned_agree(largest, mode, volume, tmp_path):
    labels = np.zeros(volume.spatial_shape, np.uint16)
    labels[2, 3, 4] = largest
    volume_io.write_labels(labels, tmp_path / "labels.mrc", like=volume)
    with mrcfile.open(tmp_path / "labels.mrc") as file:
        assert file.header.mode == mode
        assert (file.data == labels).all()


def test_unsigned_bytes_are_written_as_mode_6(tmp_path):
    voxels = np.arange(5 * 7 * 9).reshape(5, 7, 9).astype(np.uint8)
    volume_io.write(Volume.from_array(voxels), tmp_path / "out.mrc")
    with mrcfile.open(tmp_path / "out.mrc") as file:
        assert (file.header.mode, file.data.dtype) == (6, np.uint16)
        assert (file.data == voxels).all()


def test_labels_keep_every_field_of_the_header_that_still_holds(tmp_path):
    made_by_mrcfile(tmp_path / "in.mrc", np.ones((5, 7, 9), np.float32), nxstart=4, nystart=-2)
    with mrcfile.open(tmp_path / "in.mrc", "r+") as file:
        file.add_label("by a microscope")
        file.set_extended_header(np.frombuffer(b"extended" * 10, "S1"))
    source = volume_io.read(tmp_path / "in.mrc")
    volume_io.write_labels(np.ones((5, 7, 9), np.uint8), tmp_path / "out.mrc", like=source)
    with mrcfile.open(tmp_path / "in.mrc") as before, mrcfile.open(tmp_path / "out.mrc") as after:
        changed = {
            name
            for name in before.header.dtype.names
            if before.header[name].tobytes() != after.header[name].tobytes()
        }
        assert changed <= {"mode", "dmin", "dmax", "dmean", "rms"}
        assert after.extended_header.tobytes() == before.extended_header.tobytes()


@pytest.mark.parametrize("axes", [(1, 2, 3), (1, 3, 2), (3, 1, 2), (3, 2, 1)], ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
def test_labels_lie_in_the_axis_and_byte_order_of_their_source(axes, order, tmp_path):
    voxels = np.arange(5 * 7 * 9, dtype=f"{order}i2").reshape(5, 7, 9)
    made_by_mrcfile(tmp_path / "in.mrc", voxels)
    with mrcfile.mmap(tmp_path / "in.mrc", "r+") as file:
        file.header.mapc, file.header.mapr, file.header.maps = axes
        file.header.nxstart = 3
    source = volume_io.read(tmp_path / "in.mrc")
    labels = (source.read()[0] % 200).astype(np.uint8)
    volume_io.write_labels(labels, tmp_path / "out.mrc", like=source)
    with mrcfile.open(tmp_path / "out.mrc") as file:
        assert (file.data == voxels % 200).all(), "a viewer that ignores the axes sees them agree"
        assert file.header.dtype["nx"].newbyteorder("=") == np.int32
        assert bytes(file.header.machst)[:1] == (b"\x44" if order == "<" else b"\x11")
    written = volume_io.read(tmp_path / "out.mrc")
    assert (written.read()[0] == labels).all()
    assert written.affine.tolist() == source.affine.tolist()


@pytest.mark.parametrize("flags", [0, 1, 4, 5])
def test_imods_flags_say_what_the_label_bytes_are(flags, tmp_path):
    made_by_mrcfile(tmp_path / "in.mrc", np.ones((5, 7, 9), np.int8))
    raw = bytearray((tmp_path / "in.mrc").read_bytes())
    raw[152:160] = np.array([1146047817, flags], "<i4").tobytes()
    (tmp_path / "in.mrc").write_bytes(raw)
    source = volume_io.read(tmp_path / "in.mrc")
    volume_io.write_labels(np.ones((5, 7, 9), np.uint8), tmp_path / "out.mrc", like=source)
    written = (tmp_path / "out.mrc").read_bytes()
    assert np.frombuffer(written[156:160], "<i4") == flags & ~1
    assert volume_io.read(tmp_path / "out.mrc").dtype == np.uint8


def test_another_voxel_size_is_written_over_that_of_the_header(tmp_path):
    made_by_mrcfile(tmp_path / "in.mrc", np.eye(63, dtype=np.float32)[:45].reshape(5, 9, 63))
    changed = volume_io.read(tmp_path / "in.mrc").with_voxel_size((2.0, 2.0, 3.0))
    volume_io.write(changed, tmp_path / "out.mrc")
    assert volume_io.read(tmp_path / "out.mrc").voxel_size_nm == (2.0, 2.0, 3.0)


def test_an_origin_between_voxels_of_unknown_size_is_rounded_and_said(tmp_path):
    volume = Volume.from_array(np.zeros((5, 7, 9)), affine=axis_aligned(None, (1.5, 2.0, 3.0)))
    with pytest.warns(FormatLossWarning, match="in whole voxels"):
        volume_io.write(volume, tmp_path / "out.mrc")
    assert volume_io.read(tmp_path / "out.mrc").origin_nm == (2.0, 2.0, 3.0)


def test_several_channels_are_refused(tmp_path):
    with pytest.raises(VolumeError, match=r"must hold one channel, and 2 came.*\.ome\.zarr"):
        volume_io.write(Volume.from_array(np.zeros((2, 5, 7, 9))), tmp_path / "out.mrc")
    assert not list(tmp_path.iterdir())


def test_a_real_tomogram_agrees_with_its_tiff(shared_data, tmp_path):
    folder = shared_data / "cryoet_real_microtubule"
    map_, stack = (volume_io.read(folder / f"14pf_MT.{suffix}") for suffix in ("mrc", "tif"))
    assert map_.shape == stack.shape == (1, 44, 136, 84)
    assert (map_.read() == stack.read()).all()
    assert map_.voxel_size_nm == stack.voxel_size_nm == (1.052, 1.052, 1.052)
    labels = (map_.read()[0] > 120).astype(np.uint8)
    volume_io.write_labels(labels, tmp_path / "labels.mrc", like=map_)
    with (
        mrcfile.open(folder / "14pf_MT.mrc") as before,
        mrcfile.open(tmp_path / "labels.mrc") as after,
    ):
        assert after.voxel_size == before.voxel_size
        assert after.data.shape == before.data.shape
        assert (after.data == labels).all()


@pytest.mark.parametrize("name", ["pyseg_tomo22_vesicle_seg", "pycurv_t74_vesicle3_bin6.Labels"])
def test_real_maps_of_careless_programs_are_read(shared_data, name):
    path = shared_data / "cryoet_real_label_geometry" / f"{name}.mrc"
    with pytest.warns(RuntimeWarning), mrcfile.open(path, permissive=True) as file:
        expected = file.data.copy()
    volume = volume_io.read(path)
    assert (volume.read()[0] == expected).all()
    assert volume.voxel_size_nm == (0.1, 0.1, 0.1)


class Endless:
    """More voxels than 31 bits count, which nobody reads."""

    shape = (1, 1100, 1400, 1401)
    dtype = np.dtype(np.float32)

    def read(self, region):
        raise AssertionError(region)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no holes")
def test_a_map_of_more_than_2_to_31_voxels_is_read_to_its_last_one(tmp_path):
    path = tmp_path / "large.mrc"
    shape = Endless.shape[1:]
    volume = Volume(source=Endless(), voxel_size_nm=(1.0, 1.0, 1.0), affine=np.eye(4))
    with path.open("wb") as file:
        file.write(header_to_write(volume, volume.dtype, "image").to_bytes())
        file.seek(4 * (int(np.prod(shape, dtype=np.int64)) - 1), 1)
        file.write(np.float32(7).tobytes())
    found = volume_io.read(path)
    assert found.spatial_shape == shape
    assert np.prod(shape, dtype=np.int64) > 2**31
    last = Region(tuple(n - 2 for n in shape), shape)
    assert found.read(last).ravel().tolist() == [0] * 7 + [7]
    with mrcfile.mmap(path) as file:
        assert file.data.shape == shape
        assert file.voxel_size.x == pytest.approx(10.0)
