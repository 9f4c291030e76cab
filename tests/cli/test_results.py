"""What a segmentation leaves in a folder."""

import numpy as np
import pytest

from gyrovox import io, report
from gyrovox.cli.command import WorkOptions
from gyrovox.cli.results import (
    latent_bytes,
    loaded_segmenter,
    needed_bytes,
    space_curvature,
    stored_segmentation,
    write_segmentation,
)
from gyrovox.io.model_file import read_model, write_model
from gyrovox.segmentation import Cleaning
from gyrovox.settings import SegmentationSettings
from gyrovox.volumes import Volume

WORK = WorkOptions(quiet=True, threads=1)
KMEANS = SegmentationSettings(clustering="kmeans")


def test_the_space_counts_every_level_in_its_type():
    volume = Volume.from_array(np.zeros((10, 10, 10), np.float32))
    one = needed_bytes([volume], (2,), KMEANS)
    assert needed_bytes([volume], (2, 4), KMEANS) == one + 1000
    assert needed_bytes([volume], (2, 300), KMEANS) == one + 2000
    assert needed_bytes([volume, volume], (2,), KMEANS) == 2 * one


def test_the_space_counts_the_tree():
    volume = Volume.from_array(np.zeros((10, 10, 10), np.float32))
    flat = needed_bytes([volume], (2,), KMEANS)
    few, many = SegmentationSettings(regions=100), SegmentationSettings(regions=1000)
    assert 1000 < needed_bytes([volume], (2,), few) - flat < 2**20
    assert needed_bytes([volume], (2,), many) - flat > 2000
    assert needed_bytes([volume], "auto", many) >= needed_bytes([volume], (2,), many) + 9000


@pytest.mark.parametrize(("dtype", "each"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_the_space_of_codes_depends_on_their_type(dtype, each):
    volumes = [Volume.from_array(np.zeros(shape, np.uint8)) for shape in ((4, 5, 6), (7, 8, 9))]
    assert latent_bytes(volumes, dtype, latent_dim=3) == 3 * each * (4 * 5 * 6 + 7 * 8 * 9)


def test_labels_are_written_over_their_source(tmp_path, phantom_file, model_file):
    volume = io.read(phantom_file)
    timings_s = {}
    segmenter = loaded_segmenter(model_file, WORK)
    files = write_segmentation(tmp_path, volume, segmenter, (2, 3), timings_s)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "leaves.mrc",
        "level-2.mrc",
        "level-3.mrc",
        "model.safetensors",
        "overview.png",
        "tree.json",
    ]
    for k, path in files.items():
        labels = io.read(path)
        assert labels.spatial_shape == volume.spatial_shape
        assert labels.voxel_size_nm == volume.voxel_size_nm
        np.testing.assert_array_equal(np.unique(labels.read()), np.arange(k))
    assert set(timings_s) >= {"segment", "write", "overview"}


def test_the_curvature_is_that_of_the_model(model_file):
    assert space_curvature(loaded_segmenter(model_file, WORK)) == -1.0


def test_the_tree_that_is_written_has_the_levels_as_its_cuts(tmp_path, phantom_file, model_file):
    volume = io.read(phantom_file)
    segmenter = loaded_segmenter(model_file, WORK)
    inside = volume.read()[0] > 0
    files = write_segmentation(tmp_path, volume, segmenter, "auto", {}, inside=inside)
    tree = io.read_tree(tmp_path / "tree.json")
    assert tuple(files) == tree.suggested_levels()
    np.testing.assert_array_equal(tree.leaves >= 0, inside)
    for k, path in files.items():
        np.testing.assert_array_equal(io.read(path).read()[0], tree.cut(k).labels)


def test_without_a_tree_none_is_written_and_levels_are_cleaned(
    tmp_path, phantom_file, model_file, monkeypatch
):
    drawn = {}
    monkeypatch.setattr(report, "overview", lambda *_, **options: drawn.update(options))
    volume = io.read(phantom_file)
    segmenter = loaded_segmenter(model_file, WORK, KMEANS)
    cleaning = Cleaning(largest_component=True)
    everywhere = np.ones(volume.spatial_shape, bool)
    files = write_segmentation(
        tmp_path, volume, segmenter, (2,), {}, inside=everywhere, cleaning=cleaning
    )
    assert not (tmp_path / "tree.json").exists()
    assert drawn["inside"] is None  # a mask of everything is none: labels count from 0
    wanted = segmenter.segment(volume, (2,), cleaning=cleaning).levels[2]
    np.testing.assert_array_equal(io.read(files[2]).read()[0], wanted)


def test_a_model_file_says_how_it_segments(tmp_path, model_file):
    assert stored_segmentation(model_file) == SegmentationSettings()
    segmenter = loaded_segmenter(model_file, WORK, KMEANS)
    segmenter.save(tmp_path / "other.safetensors")
    assert stored_segmentation(tmp_path / "other.safetensors") == KMEANS
    arrays, facts = read_model(model_file)
    write_model(tmp_path / "odd.safetensors", arrays, {**facts, "configuration": 3})
    assert stored_segmentation(tmp_path / "odd.safetensors") == SegmentationSettings()
