import logging
import re
import uuid
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile

import gyrovox.io as volume_io
from gyrovox.errors import FileFormatError, VolumeError
from gyrovox.io.mapped import MappedSource
from gyrovox.io.tiff import PagedSource
from gyrovox.volumes import Region, Volume, axis_aligned


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stack.tif"


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 60000, (5, 7, 9), np.uint16)


KINDS = {
    "plain": {"metadata": None},
    "shaped": {},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
}


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("kind", KINDS)
def test_uncompressed_stacks_are_mapped(path, stack, kind, byteorder):
    tifffile.imwrite(path, stack, photometric="minisblack", byteorder=byteorder, **KINDS[kind])
    volume = volume_io.read(path)
    assert isinstance(volume.source, MappedSource)
    assert volume.dtype == np.uint16
    assert (volume.read()[0] == stack).all()


@pytest.mark.parametrize("kind", ["plain", "shaped", "ome"])
@pytest.mark.parametrize("predictor", [False, True])
def test_compressed_stacks_are_read_page_by_page(path, stack, kind, predictor):
    packed = {"compression": "zlib", "rowsperstrip": 3, "predictor": predictor}
    options = KINDS[kind] | packed
    tifffile.imwrite(path, stack, photometric="minisblack", **options)
    volume = volume_io.read(path)
    assert isinstance(volume.source, PagedSource)
    assert (volume.read()[0] == stack).all()
    cut = volume.read(Region((1, 2, 3), (2, 4, 9)))
    assert (cut[0] == stack[1:2, 2:4, 3:9]).all()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("axes", ["ZCYX", "CZYX"])
def test_channels_come_in_either_order(path, axes, compression):
    stored = np.random.default_rng(0).integers(0, 255, (3, 2, 7, 9), np.uint8)
    tifffile.imwrite(path, stored, ome=True, metadata={"axes": axes}, compression=compression)
    volume = volume_io.read(path)
    expected = stored if axes == "CZYX" else stored.swapaxes(0, 1)
    assert volume.shape == expected.shape
    assert (volume.read() == expected).all()
    assert (volume.read(Region((1, 1, 1), (2, 3, 4))) == expected[:, 1:2, 1:3, 1:4]).all()


def test_one_page_that_holds_a_volume_is_read(path):
    stored = np.random.default_rng(0).integers(0, 255, (32, 32, 48), np.uint8)
    tifffile.imwrite(
        path, stored, volumetric=True, tile=(16, 16, 16), compression="zlib", metadata=None
    )
    volume = volume_io.read(path)
    assert (volume.read(Region((1, 2, 3), (20, 30, 40)))[0] == stored[1:20, 2:30, 3:40]).all()


def test_bits_are_read(path):
    stored = np.random.default_rng(0).integers(0, 2, (5, 7, 9)).astype(bool)
    tifffile.imwrite(path, stored, photometric="minisblack")
    assert (volume_io.read(path).read()[0] == stored).all()


def test_a_plain_stack_says_no_voxel_size(path, stack):
    tifffile.imwrite(path, stack, resolution=(300, 300), metadata={"spacing": 10, "unit": "nm"})
    assert volume_io.read(path).voxel_size_nm is None


def test_imagej_reads_the_voxel_size_that_is_written(path, stack):
    affine = axis_aligned((4.0, 1.5, 1.25), (8.0, -3.0, 12.5))
    volume = Volume.from_array(stack, voxel_size_nm=(4.0, 1.5, 1.25), affine=affine)
    volume_io.write(volume, path)
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.series[0].axes == "ZYX"
        told = file.imagej_metadata
        assert (told["unit"], told["spacing"], told["slices"]) == ("nm", 4.0, 5)
        assert (told["zorigin"], told["yorigin"], told["xorigin"]) == (-2.0, 2.0, -10.0)
        per = [file.pages[0].tags[f"{axis}Resolution"].value for axis in "XY"]
        assert [num / den for num, den in per] == pytest.approx([1 / 1.25, 1 / 1.5])
        assert (file.asarray() == stack).all()


@pytest.mark.parametrize(
    ("nm", "unit", "spacing"), [(4.0, "nm", 4.0), (250.0, "micron", 0.25), (1.5e6, "mm", 1.5)]
)
def test_the_unit_gives_few_digits(path, stack, nm, unit, spacing):
    volume_io.write(Volume.from_array(stack, voxel_size_nm=(nm, nm, nm)), path)
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["unit"] == unit
        assert file.imagej_metadata["spacing"] == pytest.approx(spacing)


def test_labels_keep_the_unit_of_their_source(path, stack, tmp_path):
    tifffile.imwrite(
        path,
        stack,
        imagej=True,
        resolution=(1 / 0.1, 1 / 0.2),
        metadata={"axes": "ZYX", "spacing": 0.3, "unit": "um"},
    )
    source = volume_io.read(path)
    assert source.voxel_size_nm == (300.0, 200.0, 100.0)
    volume_io.write_labels(np.ones((5, 7, 9), np.uint8), tmp_path / "labels.tif", like=source)
    with tifffile.TiffFile(path) as before, tifffile.TiffFile(tmp_path / "labels.tif") as after:
        for name in ("unit", "spacing", "slices"):
            assert after.imagej_metadata[name] == before.imagej_metadata[name]
        for name in ("XResolution", "YResolution"):
            first, second = (file.pages[0].tags[name].value for file in (before, after))
            assert first[0] / first[1] == pytest.approx(second[0] / second[1], rel=1e-9)


def test_ome_reads_what_is_written(tmp_path, stack):
    path = tmp_path / "out.ome.tif"
    affine = axis_aligned((4.0, 1.5, 1.25), (8.0, -3.0, 12.5))
    volume_io.write(Volume.from_array(stack, voxel_size_nm=(4.0, 1.5, 1.25), affine=affine), path)
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert [pixels[f"PhysicalSize{axis}"] for axis in "ZYX"] == [4.0, 1.5, 1.25]
        assert pixels["PhysicalSizeXUnit"] == "nm"
        assert [pixels["Plane"][0][f"Position{axis}"] for axis in "ZYX"] == [8.0, -3.0, 12.5]
        assert (file.asarray() == stack).all()


@pytest.mark.parametrize(
    ("dtype", "is_imagej"), [("u1", True), ("u2", True), ("f4", True), ("i2", False), ("f8", False)]
)
def test_ome_steps_in_where_imagej_has_no_such_type(path, dtype, is_imagej):
    volume_io.write(Volume.from_array(np.ones((5, 7, 9), dtype)), path)
    with tifffile.TiffFile(path) as file:
        assert (file.is_imagej, file.is_ome) == (is_imagej, not is_imagej)
        assert file.series[0].dtype == dtype


def test_colours_are_refused(path):
    tifffile.imwrite(path, np.zeros((5, 7, 9, 3), np.uint8), photometric="rgb")
    with pytest.raises(VolumeError, match="must be single numbers, and this file holds RGB"):
        volume_io.read(path)


@pytest.mark.parametrize("options", [{}, {"metadata": None}])
def test_a_2d_image_is_refused(path, options):
    tifffile.imwrite(path, np.zeros((7, 9), np.uint8), **options)
    with pytest.raises(VolumeError, match="must have the axes Z, Y and X, and this is a 2-D image"):
        volume_io.read(path)


@pytest.mark.parametrize("axes", ["TYX", "TZYX"])
def test_a_time_series_is_refused(path, axes):
    shape = (4, 5, 7, 9)[4 - len(axes) :]
    tifffile.imwrite(path, np.zeros(shape, np.uint8), imagej=True, metadata={"axes": axes})
    with pytest.raises(VolumeError, match=rf"this is a.*axes {axes} .*Image > Properties"):
        volume_io.read(path)


def test_four_axes_without_names_are_refused(path):
    tifffile.imwrite(path, np.zeros((3, 5, 7, 9), np.uint8), photometric="minisblack")
    with pytest.raises(VolumeError, match=r"more than 3-D.*\(3, 5, 7, 9\)"):
        volume_io.read(path)


def test_complex_numbers_are_refused(path):
    tifffile.imwrite(path, np.zeros((5, 7, 9), np.complex64), photometric="minisblack")
    with pytest.raises(VolumeError, match="must be real numbers, and this file holds complex64"):
        volume_io.read(path)


def test_several_stacks_are_refused(path):
    with tifffile.TiffWriter(path) as file:
        for shape in ((5, 7, 9), (4, 8, 10)):
            file.write(np.zeros(shape, np.uint8), photometric="minisblack")
    with pytest.raises(VolumeError, match=r"holds 2: \(5, 7, 9\), \(4, 8, 10\)"):
        volume_io.read(path)


@pytest.mark.parametrize("part", [0.001, 0.02, 0.3, 0.9, 0.99])
@pytest.mark.parametrize(
    ("kind", "compression"),
    [(kind, None) for kind in KINDS] + [(kind, "zlib") for kind in KINDS if kind != "imagej"],
)
def test_a_truncated_file_is_refused_and_nothing_is_logged(path, kind, compression, part, capfd):
    stored = np.random.default_rng(0).integers(0, 255, (20, 30, 31), np.uint8)
    options = KINDS[kind] | {"compression": compression}
    tifffile.imwrite(path, stored, photometric="minisblack", **options)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * part)])
    with pytest.raises(FileFormatError, match="must be a whole TIFF, and is not"):
        volume_io.read(path)
    assert not capfd.readouterr().err
    assert logging.getLogger("tifffile").propagate


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs unpacks LZW")
def test_a_codec_that_is_missing_is_named_with_its_package(path, stack):
    tifffile.imwrite(path, stack, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as file:
        for page in file.pages:
            page.tags["Compression"].overwrite(5)
    with pytest.raises(FileFormatError, match=r"LZW.*pip install imagecodecs"):
        volume_io.read(path)


def test_damage_within_a_page_is_said_when_it_is_met(path):
    stored = np.random.default_rng(0).integers(0, 255, (20, 30, 31), np.uint8)
    tifffile.imwrite(path, stored, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as file:
        start = file.pages[3].dataoffsets[0]
    raw = bytearray(path.read_bytes())
    raw[start + 50 : start + 60] = bytes(10)
    path.write_bytes(raw)
    volume = volume_io.read(path)
    assert (volume.read(Region((0, 0, 0), (3, 30, 31)))[0] == stored[:3]).all()
    with pytest.raises(FileFormatError, match="every page must unpack, and one does not"):
        volume.read()


def test_bytes_that_are_no_tiff_are_refused(path):
    path.write_bytes(b"This is a letter, and no stack. " * 100)
    with pytest.raises(FileFormatError, match="must be a whole TIFF, and is not"):
        volume_io.read(path)


@pytest.mark.parametrize(
    "name",
    [
        "cryoet_real_microtubule/14pf_MT.tif",
        "fluo_stardist3d_demo/img3d.tif",
        "fluo_cellseg3d_mesospim_unlabelled/c5image.tif",
        "fluo_cellseg3d_mesospim_unlabelled/test_very_small.tif",
        "em_fib25_medulla_unlabelled/fib25_ts1_raw.tif",
    ],
)
def test_real_stacks_read_as_in_tifffile(shared_data, name):
    volume = volume_io.read(shared_data / name)
    expected = tifffile.imread(shared_data / name)
    assert volume.dtype == expected.dtype
    assert (volume.read()[0] == expected).all()


def test_labels_of_a_real_stack_lie_over_it(shared_data, tmp_path):
    source = volume_io.read(shared_data / "cryoet_real_microtubule" / "14pf_MT.tif")
    labels = (source.read()[0] > 120).astype(np.uint8)
    volume_io.write_labels(labels, tmp_path / "labels.tif", like=source)
    written = volume_io.read(tmp_path / "labels.tif")
    assert (written.read()[0] == labels).all()
    assert written.voxel_size_nm == source.voxel_size_nm


class Unread:
    """Voxels that nobody reads."""

    def __init__(self, shape, dtype):
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def read(self, region):
        raise AssertionError(region)


@pytest.mark.parametrize(
    ("shape", "dtype", "name", "kind", "big"),
    [
        ((1, 900, 2000, 2000), "u1", "a.tif", "imagej", False),
        ((1, 1100, 2000, 2000), "u1", "a.tif", "ome", True),
        ((1, 400, 2000, 2000), "u2", "a.tif", "imagej", False),
        ((2, 400, 2000, 2000), "u2", "a.tif", "ome", True),
        # ImageJ has no numbers of 16 bits but whole ones: these take twice as much in the file.
        ((1, 400, 2000, 2000), "f2", "a.tif", "ome", True),
        ((1, 250, 2000, 2000), "f2", "a.tif", "imagej", False),
        ((1, 900, 2000, 2000), "u1", "a.ome.tif", "ome", False),
        ((1, 1100, 2000, 2000), "u1", "a.ome.tif", "ome", True),
        # Millions of little pages take more than their voxels.
        ((1, 2**24, 8, 8), "u1", "a.ome.tif", "ome", True),
    ],
)
def test_above_4_gb_it_is_bigtiff(monkeypatch, tmp_path, shape, dtype, name, kind, big):  # noqa: PLR0917
    said = {}
    monkeypatch.setattr(
        tifffile, "imwrite", lambda path, _, **how: path.touch() or said.update(how)
    )
    monkeypatch.setattr(tifffile, "tiffcomment", lambda _, comment=b"": comment.decode())
    volume = Volume(source=Unread(shape, dtype), voxel_size_nm=None, affine=np.eye(4))
    volume_io.write(volume, tmp_path / name)
    assert said["bigtiff"] is big
    assert (said["imagej"], said["ome"]) == (kind == "imagej", kind == "ome")


def test_bigtiff_is_read_as_it_was_written(monkeypatch, path, stack):
    monkeypatch.setattr("gyrovox.io.tiff._MOST_BYTES", 100)
    volume_io.write(Volume.from_array(stack, voxel_size_nm=(4.0, 1.5, 1.25)), path)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
        assert file.is_ome
    found = volume_io.read(path)
    assert isinstance(found.source, MappedSource)
    assert (found.read()[0] == stack).all()
    assert found.voxel_size_nm == (4.0, 1.5, 1.25)


def test_the_same_content_is_the_same_ome_tiff_and_another_is_not(tmp_path):
    voxels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    uuids = set()
    for name, content in (("a", voxels), ("b", voxels), ("c", voxels[::-1])):
        (tmp_path / name).mkdir()
        volume_io.write(Volume.from_array(content), tmp_path / name / "scan.ome.tif")
        with tifffile.TiffFile(tmp_path / name / "scan.ome.tif") as file:
            uuids.add(re.search(r'UUID="urn:uuid:([0-9a-f-]{36})"', file.ome_metadata)[1])
    first, second = ((tmp_path / name / "scan.ome.tif").read_bytes() for name in "ab")
    assert first == second
    assert len(uuids) == 2
    assert {uuid.UUID(text).version for text in uuids} == {8}
    assert {uuid.UUID(text).variant for text in uuids} == {uuid.RFC_4122}
