"""Chosen classes and nodes as label volumes."""

from pathlib import Path

import numpy as np
import pytest
import tree_laws as laws

import gyrovox.io as volume_io
from gyrovox.errors import EditError, FileFormatError, OutputExistsError, TreeError
from gyrovox.results import (
    Group,
    HandEdits,
    class_of_leaves,
    export_labels,
    export_mask,
    first_cut,
)

SUFFIXES = (".mrc", ".nii", ".nii.gz", ".tif", ".ome.tif", ".h5", ".ome.zarr")
GROUPED = HandEdits(groups=(Group((0, 14), "mine"),))


def contents(path):
    """Every byte of a file, or of a folder by names."""
    path = Path(path)
    if path.is_file():
        return path.read_bytes()
    return {
        str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()
    }


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_of_the_tree_is_the_file_of_its_level(suffix, masked, result_of, tmp_path):
    """What `segment` wrote over the very source is the oracle: the same bytes, header included."""
    tree = laws.random_tree(9, masked=masked, voxel_size_nm=(4.0, 2.0, 2.0))
    result = result_of(tree, suffix=suffix, levels=(2, 5))
    for k, path in result.levels.items():
        edits = HandEdits(cut=first_cut(result.trunk, k))
        found = export_labels(result, edits, tmp_path / f"mine-{k}{suffix}")
        assert contents(found) == contents(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_export_is_the_same_to_the_byte_every_time(suffix, result, tmp_path):
    twice = [tmp_path / name / f"labels{suffix}" for name in ("a", "b")]
    for path in twice:
        path.parent.mkdir()
        export_labels(result, GROUPED, path)
    assert contents(twice[0]) == contents(twice[1])


@pytest.mark.parametrize("suffix", [".mrc", ".nii.gz", ".ome.zarr"])
def test_labels_lie_exactly_over_the_volume(suffix, result_of, tree, tmp_path):
    result = result_of(tree, suffix=suffix)
    image = result.image()
    table = class_of_leaves(result.trunk, GROUPED)
    for path in (
        export_labels(result, GROUPED, tmp_path / "labels"),
        export_mask(result, [14], tmp_path / "mask"),
    ):
        assert path.name.endswith(suffix)
        labels = volume_io.read(path)
        np.testing.assert_allclose(labels.affine, image.affine, rtol=1e-6)
        assert labels.voxel_size_nm == pytest.approx(image.voxel_size_nm)
    # The tree has a mask: classes count from 1.
    expected = np.append(table.of_leaf + 1, 0)[tree.leaves]
    found = volume_io.read(tmp_path / f"labels{suffix}").read()[0]
    np.testing.assert_array_equal(found, expected)
    mask = volume_io.read(tmp_path / f"mask{suffix}").read()[0]
    np.testing.assert_array_equal(mask, tree.mask(14))


def test_another_format_may_be_chosen(result, tree, tmp_path):
    path = export_mask(result, [3, 4], str(tmp_path / "mask.nii"))
    expected = tree.mask(3) | tree.mask(4)
    np.testing.assert_array_equal(volume_io.read(path).read()[0], expected)


def test_more_than_255_classes_take_two_bytes(result_of, tmp_path):
    tree = laws.random_tree(300)
    result = result_of(tree)
    path = export_labels(result, HandEdits(cut=tuple(range(300))), tmp_path / "all.mrc")
    order = np.argsort(np.lexsort((np.arange(300), -tree.sizes[:300])))
    np.testing.assert_array_equal(volume_io.read(path).read()[0], order[tree.leaves])


@pytest.mark.parametrize("export", [export_labels, export_mask])
def test_what_is_there_stays_unless_it_may_be_replaced(export, result, tmp_path):
    what = HandEdits() if export is export_labels else [0]
    path = export(result, what, tmp_path / "out.mrc")
    before = contents(path)
    with pytest.raises(OutputExistsError, match="must not exist yet, and does"):
        export(result, what, path)
    assert contents(path) == before
    assert export(result, what, path, overwrite=True) == path


def test_what_cannot_be_exported_leaves_nothing(result, tmp_path):
    with pytest.raises(FileFormatError, match="must end in one of"):
        export_mask(result, [0], tmp_path / "mask.png")
    with pytest.raises(TreeError, match="one of 0 to 22, and 23 came"):
        export_mask(result, [23], tmp_path / "mask.mrc")
    with pytest.raises(EditError, match="every leaf exactly once"):
        export_labels(result, HandEdits(cut=(0,)), tmp_path / "labels.mrc")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
