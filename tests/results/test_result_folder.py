"""Opening what a run left."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tree_laws as laws

import gyrovox.io as volume_io
from gyrovox.errors import FileAccessError, MissingFileError, ResultError, TreeFileError
from gyrovox.results import ResultFolder, result_folders
from gyrovox.results.result_folder import run_record
from gyrovox.volumes import Region, Volume
from gyrovox.volumes.source import InMemory


def test_a_result_is_what_was_written(result, tree, tmp_path):
    assert result.path == tmp_path / "out" / "scan"
    assert result.name == "scan"
    assert result.shape == tree.leaves.shape
    assert list(result.levels) == [2, 4]
    assert result.levels[4].name == "level-4.mrc"
    assert result.record["command"] == "segment"
    for name in ("parents", "altitudes", "sizes", "codes", "spreads", "contrasts"):
        np.testing.assert_array_equal(vars(result.trunk)[name], vars(tree)[name])
    assert result.trunk.masked
    assert result.trunk.voxel_size_nm == tree.voxel_size_nm
    np.testing.assert_array_equal(result.trunk.number, np.arange(12))
    np.testing.assert_array_equal(result.leaves().read()[0], tree.leaves + 1)


def test_leaves_are_read_by_region(result, tree):
    box = Region((1, 0, 2), (3, 2, 4))
    np.testing.assert_array_equal(result.leaves().read(box)[0], (tree.leaves + 1)[box.slices])


def test_opening_reads_no_voxel(tree, result_of, monkeypatch):
    def refuse(*_):
        raise AssertionError("a voxel was read")

    path = result_of(tree).path
    monkeypatch.setattr(Volume, "read", refuse)
    monkeypatch.setattr(InMemory, "read", refuse)
    assert ResultFolder.open(path).trunk.n_leaves == 12


def test_without_a_mask_a_tree_says_so(result_of):
    assert not result_of(laws.random_tree(5)).trunk.masked


def test_the_image_is_found_by_its_full_name(result):
    image = result.image()
    assert image.spatial_shape == result.shape
    assert image.read().std() > 0.5


def test_the_image_is_found_from_the_folders_above_whatever_the_present_one(
    tree, tmp_path, monkeypatch, result_of
):
    result = result_of(tree, record={"volume": "scan.mrc"})
    other = tmp_path / "elsewhere"
    other.mkdir()
    decoy = Volume.from_array(np.zeros(tree.leaves.shape, np.float32))
    volume_io.write(decoy, other / "scan.mrc")
    monkeypatch.chdir(other)
    assert result.image().path == result.path.parent / "scan.mrc"


def test_the_image_may_lie_in_the_present_folder(tree, tmp_path, monkeypatch, result_of):
    result = result_of(tree, record={"volume": "scan.mrc"})
    other = tmp_path / "elsewhere"
    other.mkdir()
    shutil.move(result.path.parent / "scan.mrc", other)
    assert result.image() is None
    monkeypatch.chdir(other)
    assert result.image() is not None


def test_channels_are_found_again(tree, result_of):
    result = result_of(tree, record={"volume": "scan.mrc, more.mrc"})
    shutil.copy(result.path.parent / "scan.mrc", result.path.parent / "more.mrc")
    assert result.image().channels == 2


def test_the_record_of_a_demo_names_its_volume_among_its_inputs(tree, result_of):
    result = result_of(tree, record={"inputs": [{"path": "../scan.mrc"}]})
    assert result.image() is not None


@pytest.mark.parametrize(
    "record",
    [{}, [], {"volume": None}, {"volume": "gone.mrc"}, {"volume": "scan.txt"}, {"inputs": [1]}],
    ids=str,
)
def test_an_image_that_is_gone_is_none(tree, result_of, record):
    assert result_of(tree, record=record).image() is None


def test_a_volume_of_another_shape_is_not_the_image(result):
    volume_io.write(
        Volume.from_array(np.zeros((4, 4, 4), np.float32)),
        Path(result.record["volume"]),
        overwrite=True,
    )
    assert result.image() is None


def test_all_results_below_a_folder_are_found_sorted(tree, result_of, tmp_path):
    paths = [result_of(tree).path for _ in range(3)]
    hidden = tmp_path / "2" / ".gyrovox-run"
    shutil.copytree(paths[0], hidden)
    os.symlink(paths[0], tmp_path / "4")
    assert [one.path for one in result_folders(tmp_path)] == paths
    assert [one.path for one in result_folders(str(paths[1]))] == [paths[1]]


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(ResultError, match=r"hold a tree\.json, or folders with one.* segment -o"):
        result_folders(tmp_path)
    with pytest.raises(ResultError, match=r"must hold a tree\.json, and this folder has none"):
        ResultFolder.open(tmp_path)


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="and this does not exist"):
        result_folders(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match="and this is a file"):
        ResultFolder.open(tmp_path / "file")


def test_results_of_k_means_say_that_they_have_no_tree(tree, result_of, tmp_path):
    record = {"settings": {"segmentation": {"clustering": "kmeans"}}}
    folder = tmp_path / "flat" / "scan"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))
    for path in (folder, folder.parent):
        with pytest.raises(ResultError, match="with --clustering kmeans there is none"):
            result_folders(path)
    # Among others that have trees they are passed over.
    assert [one.path for one in result_folders(tmp_path)] if result_of(tree) else False


def test_a_damaged_record_is_refused(result):
    (result.path / "run.json").write_text("{")
    with pytest.raises(ResultError, match=r"must be JSON, and is not.* opened without"):
        ResultFolder.open(result.path)
    (result.path / "run.json").unlink()
    assert ResultFolder.open(result.path).record == {}


def test_a_tree_without_its_leaves_is_refused(result):
    (result.path / "leaves.mrc").unlink()
    with pytest.raises(MissingFileError, match=r"leaves\.mrc: the file must exist"):
        ResultFolder.open(result.path)


def test_a_tree_of_another_volume_is_refused(result):
    small = Volume.from_array(np.zeros((2, 2, 2), np.uint8))
    volume_io.write(small, result.path / "leaves.mrc", overwrite=True)
    with pytest.raises(TreeFileError, match="no more voxels than its volume, and has"):
        ResultFolder.open(result.path)


@pytest.mark.skipif(os.geteuid() == 0, reason="a superuser may read everything")
def test_what_may_not_be_read_is_refused(result):
    (result.path / "run.json").chmod(0)
    with pytest.raises(FileAccessError, match="may not be read"):
        run_record(result.path)


def test_a_record_that_may_not_be_read_is_refused_to_a_superuser_too(result, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(FileAccessError, match=r"record .*run\.json may not be read"):
        run_record(result.path)
