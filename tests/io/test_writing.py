import os
import tracemalloc
from contextlib import contextmanager
from functools import partial

import format_laws as laws
import numpy as np
import pytest

import gyrovox.io as volume_io
from gyrovox.errors import (
    FileFormatError,
    FormatLossWarning,
    MissingFileError,
    OutputExistsError,
    OutputSpaceError,
    VolumeMismatchError,
)
from gyrovox.io import mrc, storage
from gyrovox.volumes import Region, Volume, axis_aligned, slabs

SUFFIXES = (".mrc", ".nii", ".nii.gz", ".tif", ".ome.tif", ".h5", ".ome.zarr")
HOLD_DIRECTIONS = (".nii", ".nii.gz", ".h5", ".ome.zarr")
HOLD_CHANNELS = tuple(suffix for suffix in SUFFIXES if suffix != ".mrc")
DTYPES = ("u1", "i1", "u2", "i2", "f4")
WIDE_DTYPES = ("u4", "i4", "f8")


def passed_through(volume, folder, suffixes):
    """A volume after a file of each suffix."""
    for number, suffix in enumerate(suffixes):
        path = folder / f"step-{number}{suffix}"
        volume_io.write(volume, path)
        volume = volume_io.read(path)
    return volume


@pytest.mark.parametrize("second", SUFFIXES)
@pytest.mark.parametrize("first", SUFFIXES)
def test_every_pair_of_formats_keeps_voxels_and_place(first, second, voxels, geometry, tmp_path):
    sizes, origin = geometry
    volume = Volume.from_array(voxels, voxel_size_nm=sizes, affine=axis_aligned(sizes, origin))
    found = passed_through(volume, tmp_path, (first, second))
    laws.check_same_voxels(found, volume)
    laws.check_same_place(found, volume)
    assert found.dtype == volume.dtype


@pytest.mark.parametrize("second", HOLD_DIRECTIONS)
@pytest.mark.parametrize("first", HOLD_DIRECTIONS)
def test_rotations_and_flips_pass_between_formats_that_hold_them(
    first, second, turned_volume, tmp_path
):
    found = passed_through(turned_volume, tmp_path, (first, second))
    laws.check_same_voxels(found, turned_volume)
    laws.check_same_place(found, turned_volume)


@pytest.mark.parametrize("second", [s for s in SUFFIXES if s not in HOLD_DIRECTIONS])
@pytest.mark.parametrize("first", HOLD_DIRECTIONS)
def test_other_formats_keep_size_and_origin_and_say_so(first, second, turned_volume, tmp_path):
    before = passed_through(turned_volume, tmp_path, (first,))
    with pytest.warns(FormatLossWarning, match="holds no rotation and no flip"):
        found = passed_through(before, tmp_path, (second,))
    laws.check_same_voxels(found, turned_volume)
    np.testing.assert_allclose(found.voxel_size_nm, turned_volume.voxel_size_nm, rtol=2e-6)
    np.testing.assert_allclose(found.origin_nm, turned_volume.origin_nm, rtol=2e-6)


@pytest.mark.parametrize("second", HOLD_CHANNELS)
@pytest.mark.parametrize("first", HOLD_CHANNELS)
def test_channels_pass_between_formats(first, second, tmp_path):
    voxels = np.random.default_rng(0).integers(0, 60000, (3, 5, 7, 9), np.uint16)
    volume = Volume.from_array(voxels, voxel_size_nm=(4.0, 1.5, 1.25))
    found = passed_through(volume, tmp_path, (first, second))
    laws.check_same_voxels(found, volume)
    laws.check_same_place(found, volume)
    laws.check_regions_are_cut_from_the_whole(found)


# MRC has no float64: see the warning in test_storage.py.
TYPES_OF = {suffix: DTYPES + WIDE_DTYPES[: 2 if suffix == ".mrc" else None] for suffix in SUFFIXES}


@pytest.mark.parametrize(
    ("suffix", "dtype"), [(suffix, dtype) for suffix in SUFFIXES for dtype in TYPES_OF[suffix]]
)
def test_every_type_keeps_its_values(suffix, dtype, tmp_path):
    dtype = np.dtype(dtype)
    small = np.random.default_rng(0).normal(size=(5, 7, 9)) * 50
    if dtype.kind != "f":
        # MRC holds whole numbers of 32 bits as float32, exact up to 2^24.
        limits = np.iinfo(dtype)
        small = small.astype(int).clip(max(limits.min, -(2**24)), min(limits.max, 2**24))
        small[0, 0, :2] = max(limits.min, -(2**24)), min(limits.max, 2**24)
    volume = Volume.from_array(small.astype(dtype))
    found = passed_through(volume, tmp_path, (suffix,))
    laws.check_same_voxels(found, volume)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_regions_are_read_as_cut_from_the_whole(suffix, volume, tmp_path):
    found = passed_through(volume, tmp_path, (suffix,))
    laws.check_regions_are_cut_from_the_whole(found)
    laws.check_what_is_read_belongs_to_the_reader(found)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_lie_exactly_over_their_source(suffix, dtype, voxels, geometry, tmp_path):
    sizes, origin = geometry
    volume = Volume.from_array(voxels, voxel_size_nm=sizes, affine=axis_aligned(sizes, origin))
    source = passed_through(volume, tmp_path, (suffix,))
    laws.check_labels_lie_exactly_over(source, tmp_path / f"labels{suffix}", dtype)


@pytest.mark.parametrize("suffix", HOLD_DIRECTIONS)
def test_labels_keep_the_directions_of_their_source(suffix, turned_volume, tmp_path):
    source = passed_through(turned_volume, tmp_path, (suffix,))
    laws.check_labels_lie_exactly_over(source, tmp_path / f"labels{suffix}", np.uint8)


@pytest.mark.parametrize("suffix", HOLD_CHANNELS)
def test_labels_of_several_channels_are_one(suffix, tmp_path):
    volume = Volume.from_array(np.random.default_rng(0).normal(size=(2, 5, 7, 9)))
    source = passed_through(volume, tmp_path, (suffix,))
    laws.check_labels_lie_exactly_over(source, tmp_path / f"labels{suffix}", np.uint8)


def test_labels_of_another_shape_are_refused(volume, tmp_path):
    with pytest.raises(VolumeMismatchError, match=r"\(5, 7, 8\) came for \(5, 7, 9\) voxels"):
        volume_io.write_labels(np.zeros((5, 7, 8), np.uint8), tmp_path / "a.mrc", like=volume)


def test_labels_of_another_type_are_refused(volume, tmp_path):
    with pytest.raises(VolumeMismatchError, match="must be uint8 or uint16, and uint32 came"):
        volume_io.write_labels(np.zeros((5, 7, 9), np.uint32), tmp_path / "a.mrc", like=volume)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_output_that_exists_is_kept_unless_asked(suffix, volume, tmp_path):
    path = tmp_path / f"out{suffix}"
    volume_io.write(volume, path)
    other = Volume.from_array(volume.read()[0] + 1)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        volume_io.write(other, path)
    laws.check_same_voxels(volume_io.read(path), volume)
    volume_io.write(other, path, overwrite=True)
    laws.check_same_voxels(volume_io.read(path), other)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_can_be_written_over_itself(suffix, volume, tmp_path):
    path = tmp_path / f"same{suffix}"
    volume_io.write(volume, path)
    volume_io.write(volume_io.read(path), path, overwrite=True)
    laws.check_same_voxels(volume_io.read(path), volume)


class BreakingSource:
    """Gives its first slices, and then fails."""

    shape = (1, 40, 300, 800)
    dtype = np.dtype(np.float32)

    def __init__(self, error):
        self.error = error
        self.reads = 0

    def read(self, region):
        self.reads += 1
        if region.start[0] > 0:
            raise self.error
        return np.zeros((1, *region.shape), np.float32)


@pytest.mark.parametrize("error", [RuntimeError("injected"), KeyboardInterrupt("injected")])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_half_way_leaves_nothing_new_behind(suffix, error, volume, tmp_path):
    path = tmp_path / f"out{suffix}"
    volume_io.write(volume, path)
    source = BreakingSource(error)
    broken = Volume(source=source, voxel_size_nm=None, affine=np.eye(4))
    with pytest.raises(type(error), match="injected"):
        volume_io.write(broken, path, overwrite=True)
    assert source.reads > 1
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    laws.check_same_voxels(volume_io.read(path), volume)


class WatchedSource:
    """Voxels by their place, and how much was read of them."""

    dtype = np.dtype(np.uint8)

    def __init__(self, shape):
        self.shape = (1, *shape)
        self.most_bytes = self.bytes = 0

    def read(self, region):
        z, y, x = (
            (np.arange(first, last) % 100).astype(np.uint8).reshape(np.roll((1, 1, -1), axis + 1))
            for axis, (first, last) in enumerate(zip(region.start, region.stop, strict=True))
        )
        voxels = (z ^ y ^ x)[np.newaxis]  # at most 127, as MRC keeps in a byte
        self.bytes += voxels.nbytes
        self.most_bytes = max(self.most_bytes, voxels.nbytes)
        return voxels


SLAB = 2**19


@pytest.fixture
def _little_memory(monkeypatch):
    """A few megabytes are a large volume here."""
    for module in (storage, mrc):
        monkeypatch.setattr(module, "slabs", partial(slabs, max_bytes=SLAB))


def write_watched(shape, path, header=None):
    """Labels over a volume, from a source that nobody must read as a whole; bytes at the peak."""
    source = WatchedSource(shape)
    like = Volume(
        source=source, voxel_size_nm=(4.0, 2.0, 2.0), affine=np.diag((4.0, 2, 2, 1)), header=header
    )
    tracemalloc.start()
    try:
        volume_io.write_label_source(source, path, like=like)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert source.bytes <= 2 * np.prod(shape)
    assert source.most_bytes <= SLAB
    found = volume_io.read(path).read()
    np.testing.assert_array_equal(found, source.read(Region.whole(shape)))
    return peak


SHAPES = {"cube": (200, 160, 250), "large slices": (33, 1100, 250), "column": (4000, 40, 50)}


@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_of_any_size_are_written_in_the_memory_of_a_few_slabs(suffix, shape, tmp_path):
    write_watched((3, 4, 5), tmp_path / f"first{suffix}")  # libraries load, and keep what they load
    peak = write_watched(SHAPES[shape], tmp_path / f"out{suffix}")
    assert peak < 8 * SLAB < np.prod(SHAPES[shape])


@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize("axes", [(1, 3, 2), (3, 1, 2), (3, 2, 1)], ids=str)
def test_so_are_maps_whose_axes_are_stored_in_another_order(axes, tmp_path):
    volume_io.write(Volume.from_array(np.ones((3, 4, 5), np.uint8)), tmp_path / "in.mrc")
    header = volume_io.read(tmp_path / "in.mrc").header
    for name, axis in zip(("mapc", "mapr", "maps"), axes, strict=True):
        header.fields[name] = axis
    peak = write_watched(SHAPES["cube"], tmp_path / "out.mrc", header)
    assert peak < 8 * SLAB < np.prod(SHAPES["cube"])


@contextmanager
def files_of_at_most(size):
    """As if the disk had no more room; the system then fails with "File too large"."""
    import resource  # absent on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files by POSIX means")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_behind(suffix, tmp_path):
    noise = np.random.default_rng(0).normal(size=(40, 64, 64)).astype(np.float32)
    with (
        files_of_at_most(20_000),
        pytest.raises(OutputSpaceError, match=r"must have room .* Nothing was written"),
    ):
        volume_io.write(Volume.from_array(noise), tmp_path / f"out{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_is_refused_before_anything_is_written(volume, tmp_path):
    with pytest.raises(FileFormatError, match=r"must end in one of \.mrc, .*\.nii\.gz.*\.png came"):
        volume_io.write(volume, tmp_path / "out.png")


def test_the_folder_of_an_output_must_exist(volume, tmp_path):
    with pytest.raises(MissingFileError, match="the folder of an output must exist"):
        volume_io.write(volume, tmp_path / "absent" / "out.mrc")


def test_a_dataset_is_refused_where_there_are_none(volume, tmp_path):
    with pytest.raises(FileFormatError, match="MRC does not"):
        volume_io.write(volume, f"{tmp_path}/out.mrc::raw")


@pytest.mark.parametrize("suffix", [".h5", ".ome.zarr"])
def test_a_dataset_can_be_named(suffix, volume, tmp_path):
    path = f"{tmp_path}/out{suffix}::deep/er"
    volume_io.write(volume, path)
    laws.check_same_voxels(volume_io.read(path), volume)
    laws.check_same_place(volume_io.read(path), volume)


@pytest.mark.parametrize(
    ("path", "suffix", "stem"),
    [
        ("a/scan.nii.gz", ".nii.gz", "scan"),
        ("scan.NII", ".nii", "scan"),
        ("flair.nii.gz,t1c.nii.gz", ".nii.gz", "flair"),
        ("tomo.rec", ".mrc", "tomo"),
        ("14pf_MT.mrc", ".mrc", "14pf_MT"),
        ("cells.tiff", ".tif", "cells"),
        ("cells.ome.tif", ".ome.tif", "cells"),
        ("a.b/stack.v2.h5::raw", ".h5", "stack.v2"),
        ("stack.hdf5::a/b", ".h5", "stack"),
        ("image.zarr", ".ome.zarr", "image"),
        ("a/image.ome.zarr/", ".ome.zarr", "image"),
    ],
)
def test_labels_are_called_after_their_input(path, suffix, stem):
    assert volume_io.label_suffix(path) == suffix
    assert volume_io.stem(path) == stem


def test_a_name_without_volume_has_no_stem():
    with pytest.raises(FileFormatError, match="must end in one of"):
        volume_io.stem("picture.png")
    with pytest.raises(FileFormatError, match="at least one file"):
        volume_io.stem(" , ")
