import os
import pickle
import shutil

import numpy as np
import pytest

from gyrovox import io
from gyrovox.pipeline import ModelFile, VolumeFile, inputs, stamps
from gyrovox.volumes import Region, Volume, normalisation_of


@pytest.fixture
def channels(tmp_path, monkeypatch):
    """Two files of one volume, in the folder that this process works in."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mrc", "b.mrc"):
        io.write(Volume.from_array(np.full((3, 4, 5), ord(name[0]), np.float32)), name)
    return "a.mrc,b.mrc"


def test_a_model_is_loaded_once_by_a_process(model_file, monkeypatch):
    model = ModelFile(model_file, "cpu")
    first = model.segmenter()
    monkeypatch.setattr(inputs.HierarchicalSegmenter, "load", None)
    # As a task has it that came through a pipe.
    assert pickle.loads(pickle.dumps(model)).segmenter() is first


def test_another_run_loads_what_the_file_is_then(model_file, two_channel_model, tmp_path):
    path = tmp_path / "model.safetensors"
    shutil.copy(model_file, path)
    before = ModelFile(path, "cpu").segmenter()
    shutil.copy(two_channel_model, path)
    after = ModelFile(path, "cpu").segmenter()
    assert (before.vae_.in_channels, after.vae_.in_channels) == (1, 2)


def test_codes_of_a_region_are_those_of_the_whole(two_channel_model, phantom):
    volume = Volume.from_array(phantom[:, :30, :28, :26])
    model, normalisation = ModelFile(two_channel_model, "cpu"), normalisation_of(volume)
    whole = model.codes(volume, normalisation, Region.whole((30, 28, 26)))
    region = Region((3, 0, 10), (17, 9, 26))
    found = model.codes(volume, normalisation, region)
    assert whole.std() > 1e-3
    np.testing.assert_allclose(found, whole[region.slices], rtol=1e-5, atol=1e-5)


def test_a_volume_is_found_from_any_folder_and_opened_once(channels, tmp_path, monkeypatch):
    file = VolumeFile.of(channels)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    volume = pickle.loads(pickle.dumps(file)).volume()
    assert file.volume() is volume
    np.testing.assert_array_equal(volume.read()[:, 0, 0, 0], [ord("a"), ord("b")])


def test_another_run_opens_what_the_file_is_then(channels):
    assert VolumeFile.of(channels).volume().spatial_shape == (3, 4, 5)
    for name in channels.split(","):
        io.write(Volume.from_array(np.ones((6, 7, 8), np.float32)), name, overwrite=True)
    assert VolumeFile.of(channels).volume().spatial_shape == (6, 7, 8)


def test_a_volume_and_its_mask_stay_open_side_by_side(channels):
    both = [VolumeFile.of(name) for name in channels.split(",")]
    opened = [file.volume() for file in both]
    assert [file.volume() for file in both] == opened


def test_no_volume_is_none(channels):
    assert not VolumeFile.of(None).is_named
    assert VolumeFile.of(channels).is_named


def test_stamps_change_with_any_of_the_files(channels):
    before = stamps(channels)
    assert len(before) == 2
    assert stamps(channels) == before
    os.utime("b.mrc", ns=(1, 1))
    after = stamps(channels)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert stamps(None) == []


def test_the_stamp_of_a_zarr_is_that_of_its_description(volume_file):
    status = (volume_file / "zarr.json").stat()
    assert stamps(str(volume_file)) == [[status.st_size, status.st_mtime_ns]]
