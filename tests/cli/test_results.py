"""What a segmentation leaves in a folder."""

import numpy as np

from gyrovox import io
from gyrovox.cli.command import WorkOptions
from gyrovox.cli.results import loaded_segmenter, needed_bytes, space_curvature, write_segmentation
from gyrovox.volumes import Volume

WORK = WorkOptions(quiet=True, threads=1)


def test_the_space_counts_every_level_in_its_type():
    volume = Volume.from_array(np.zeros((10, 10, 10), np.float32))
    one = needed_bytes([volume], [2])
    assert needed_bytes([volume], [2, 4]) == one + 1000
    assert needed_bytes([volume], [2, 300]) == one + 2000
    assert needed_bytes([volume, volume], [2]) == 2 * one


def test_labels_are_written_over_their_source(tmp_path, phantom_file, model_file):
    volume = io.read(phantom_file)
    timings_s = {}
    segmenter = loaded_segmenter(model_file, WORK)
    files = write_segmentation(tmp_path, volume, segmenter, (2, 3), timings_s)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "level-2.mrc",
        "level-3.mrc",
        "model.safetensors",
        "overview.png",
    ]
    for k, path in files.items():
        labels = io.read(path)
        assert labels.spatial_shape == volume.spatial_shape
        assert labels.voxel_size_nm == volume.voxel_size_nm
        np.testing.assert_array_equal(np.unique(labels.read()), np.arange(k))
    assert set(timings_s) >= {"segment", "write", "overview"}


def test_the_curvature_is_that_of_the_model(model_file):
    assert space_curvature(loaded_segmenter(model_file, WORK)) == -1.0
