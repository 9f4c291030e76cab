import json

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05 import Image, ImageLabel

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.volumes import Region, Volume

AXES = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
SCALE = {"type": "scale", "scale": [4.0, 1.5, 1.25]}
TRANSLATION = {"type": "translation", "translation": [8.0, -3.0, 12.5]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.ome.zarr"


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 60000, (5, 7, 9), np.uint16)


def save(path, array, version="0.5", axes=AXES, steps=(SCALE, TRANSLATION), **image):
    """Metadata by hand, as the specification has it."""
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("s0", data=array, chunks=(2,) * array.ndim)
    image |= {
        "axes": axes,
        "datasets": [{"path": "s0", "coordinateTransformations": list(steps)}],
    }
    if version == "0.5":
        group.attrs["ome"] = {"version": version, "multiscales": [image]}
    else:
        group.attrs["multiscales"] = [image | {"version": version}]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_both_versions_are_read(path, stack, version):
    save(path, stack, version)
    volume = volume_io.read(path)
    assert (volume.read()[0] == stack).all()
    assert volume.voxel_size_nm == (4.0, 1.5, 1.25)
    assert volume.origin_nm == (8.0, -3.0, 12.5)
    cut = volume.read(Region((1, 2, 3), (4, 5, 6)))
    assert (cut[0] == stack[1:4, 2:5, 3:6]).all()


def test_steps_are_applied_one_after_the_other(path, stack):
    twice = {"type": "scale", "scale": [2.0, 2.0, 2.0]}
    save(path, stack, coordinateTransformations=[twice, TRANSLATION])
    volume = volume_io.read(path)
    assert volume.voxel_size_nm == (8.0, 3.0, 2.5)
    assert volume.origin_nm == (24.0, -9.0, 37.5)


@pytest.mark.parametrize(
    ("unit", "nm"), [("micrometer", 1e3), ("millimeter", 1e6), ("angstrom", 0.1)]
)
def test_units_are_those_of_the_axes(path, stack, unit, nm):
    save(path, stack, axes=[axis | {"unit": unit} for axis in AXES])
    assert volume_io.read(path).voxel_size_nm == pytest.approx((4.0 * nm, 1.5 * nm, 1.25 * nm))


def test_axes_without_a_unit_say_no_voxel_size(path, stack):
    save(path, stack, axes=[{"name": name, "type": "space"} for name in "zyx"])
    volume = volume_io.read(path)
    assert volume.voxel_size_nm is None
    assert volume.origin_nm == (2.0, -2.0, 10.0)


def test_one_time_and_several_channels(path):
    stored = np.random.default_rng(0).normal(size=(1, 3, 5, 7, 9))
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *AXES]
    steps = [{"type": "scale", "scale": [60.0, 1.0, 4.0, 1.5, 1.25]}]
    save(path, stored, axes=axes, steps=steps)
    volume = volume_io.read(path)
    assert (volume.read() == stored[0]).all()
    assert volume.voxel_size_nm == (4.0, 1.5, 1.25)


def test_ome_zarr_models_accepts_what_is_written(path, volume):
    volume_io.write(volume, path)
    group = zarr.open_group(path, mode="r")
    image = Image.from_zarr(group).attributes.ome.multiscales[0]
    assert [(axis.name, axis.type, axis.unit) for axis in image.axes] == [
        (name, "space", "nanometer") for name in "zyx"
    ]
    scale, translation = image.datasets[0].coordinateTransformations
    assert scale.scale == [4.0, 1.5, 1.25]
    assert translation.translation == [10.0, -20.5, 33.25]
    assert (group["0"][:] == volume.read()[0]).all()
    assert group["0"].metadata.dimension_names == ("z", "y", "x")


def test_channels_are_written_as_such(path):
    voxels = np.random.default_rng(0).normal(size=(2, 5, 7, 9))
    volume_io.write(Volume.from_array(voxels, voxel_size_nm=(5e6, 1e6, 1e6)), path)
    image = Image.from_zarr(zarr.open_group(path, mode="r")).attributes.ome.multiscales[0]
    assert (image.axes[0].name, image.axes[0].type) == ("c", "channel")
    assert image.axes[1].unit == "millimeter"
    assert image.datasets[0].coordinateTransformations[0].scale == [1.0, 5.0, 1.0, 1.0]


def test_ome_zarr_models_accepts_the_labels(path, stack, tmp_path):
    save(path, stack)
    source = volume_io.read(path)
    target = tmp_path / "labels.ome.zarr"
    volume_io.write_labels((stack % 5).astype(np.uint8), target, like=source)
    group = zarr.open_group(target, mode="r")
    labels = ImageLabel.from_zarr(group).attributes.ome
    assert labels.image_label is not None
    scale, translation = labels.multiscales[0].datasets[0].coordinateTransformations
    assert scale.scale == SCALE["scale"]
    assert translation.translation == TRANSLATION["translation"]
    assert group["0"].dtype == np.uint8
    assert (group["0"][:] == stack % 5).all()


def test_more_voxels_than_a_chunk_are_written_and_read(path):
    voxels = np.random.default_rng(0).integers(0, 255, (35, 140, 130), np.uint8)
    volume_io.write(Volume.from_array(voxels), path)
    assert zarr.open_group(path, mode="r")["0"].chunks == (16, 128, 128)
    assert (volume_io.read(path).read()[0] == voxels).all()


def test_a_scale_that_another_program_changed_goes_before_our_affine(path, turned_volume):
    volume_io.write(turned_volume, path)
    root = json.loads((path / "zarr.json").read_text())
    image = root["attributes"]["ome"]["multiscales"][0]
    image["datasets"][0]["coordinateTransformations"][0]["scale"] = [8.0, 3.0, 2.5]
    (path / "zarr.json").write_text(json.dumps(root))
    assert np.diag(volume_io.read(path).affine).tolist() == [8.0, 3.0, 2.5, 1.0]


def test_a_bare_array_is_a_volume_of_unknown_voxel_size(tmp_path, stack):
    path = tmp_path / "array.zarr"
    zarr.create_array(str(path), data=stack)
    volume = volume_io.read(path)
    assert (volume.read()[0] == stack).all()
    assert volume.voxel_size_nm is None


def test_a_bare_array_may_name_its_axes(tmp_path):
    stored = np.random.default_rng(0).normal(size=(5, 7, 9, 2))
    zarr.create_array(str(tmp_path / "a.zarr"), data=stored, dimension_names=tuple("zyxc"))
    assert (volume_io.read(tmp_path / "a.zarr").read() == np.moveaxis(stored, -1, 0)).all()


def test_a_bare_array_of_four_axes_without_names_is_refused(tmp_path):
    zarr.create_array(str(tmp_path / "a.zarr"), data=np.zeros((2, 5, 7, 9)))
    with pytest.raises(VolumeError, match=r"must have 3 axes.*has 4.*dimension names c, z, y, x"):
        volume_io.read(tmp_path / "a.zarr")


def test_arrays_of_a_group_that_is_no_image_are_listed_and_can_be_named(tmp_path, stack):
    path = tmp_path / "group.zarr"
    group = zarr.open_group(str(path), mode="w")
    group.create_array("b/raw", data=stack)
    group.create_array("a", data=stack.astype(np.int32))
    listed = r"a \(5, 7, 9\) int32; b/raw \(5, 7, 9\) uint16"
    with pytest.raises(FileFormatError, match=rf"has no multiscales.*group\.zarr::NAME: {listed}"):
        volume_io.read(path)
    assert (volume_io.read(f"{path}::b/raw").read()[0] == stack).all()


def test_a_dataset_that_is_absent_is_refused(path, stack):
    save(path, stack)
    with pytest.raises(FileFormatError, match="must be a zarr group or array, and is none"):
        volume_io.read(f"{path}::labels/cells")


def test_a_folder_that_is_no_zarr_is_refused(path):
    path.mkdir()
    with pytest.raises(FileFormatError, match="must be a zarr group or array, and is none"):
        volume_io.read(path)


def test_a_file_that_should_be_a_folder_is_refused(path):
    path.write_bytes(b"zip")
    with pytest.raises(FileFormatError, match=r"a \.ome\.zarr volume must be a folder"):
        volume_io.read(path)


def test_metadata_that_is_cut_off_is_refused(path, stack):
    save(path, stack)
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text[: len(text) // 2])
    with pytest.raises(FileFormatError, match="must be a zarr group or array, and is none"):
        volume_io.read(path)


def test_metadata_of_an_array_that_is_absent_is_refused(path, stack):
    save(path, stack)
    (path / "s0" / "zarr.json").unlink()
    with pytest.raises(FileFormatError, match="must name an array that is there"):
        volume_io.read(path)


def test_metadata_that_names_a_group_is_refused(path, stack):
    save(path, stack)
    group = zarr.open_group(str(path))
    group.create_group("deeper")
    ome = dict(group.attrs["ome"])
    ome["multiscales"][0]["datasets"][0]["path"] = "deeper"
    group.attrs["ome"] = ome
    with pytest.raises(FileFormatError, match="must name an array, and names a group"):
        volume_io.read(path)


@pytest.mark.parametrize("axes", [[], ["z", "y", "x"], AXES[:2]])
def test_metadata_without_axes_is_refused(path, stack, axes):
    save(path, stack, axes=axes)
    with pytest.raises(FileFormatError, match="must describe each of the 3 axes"):
        volume_io.read(path)


@pytest.mark.parametrize(
    "step", [{"type": "rotation", "rotation": []}, {"type": "scale", "scale": [1.0]}, {}]
)
def test_other_transformations_are_refused(path, stack, step):
    save(path, stack, steps=[step])
    with pytest.raises(FileFormatError, match="must be a scale or a translation of 3 numbers"):
        volume_io.read(path)


def test_a_2d_image_is_refused(path):
    save(path, np.zeros((7, 9)), axes=AXES[1:], steps=[])
    with pytest.raises(VolumeError, match=r"this is a 2-D image: axes \['y', 'x'\]"):
        volume_io.read(path)


def test_a_time_series_is_refused(path):
    save(path, np.zeros((3, 5, 7, 9)), axes=[{"name": "t", "type": "time"}, *AXES], steps=[])
    with pytest.raises(VolumeError, match=r"this is a time series, or more than 3-D"):
        volume_io.read(path)


def test_complex_numbers_are_refused(path):
    save(path, np.zeros((5, 7, 9), np.complex64))
    with pytest.raises(VolumeError, match="must be real numbers, and this array holds complex64"):
        volume_io.read(path)


def test_damage_within_a_chunk_is_said_when_it_is_met(path, stack):
    save(path, stack)
    chunk = next(entry for entry in (path / "s0" / "c").rglob("*") if entry.is_file())
    chunk.write_bytes(chunk.read_bytes()[:5])
    volume = volume_io.read(path)
    with pytest.raises(FileFormatError, match="every chunk must unpack, and one does not"):
        volume.read()
