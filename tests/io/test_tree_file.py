import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tree_laws as laws
from hypothesis import given

import gyrovox.io as volume_io
from gyrovox.clustering.trunk import Trunk
from gyrovox.errors import (
    FileAccessError,
    FileFormatError,
    MissingFileError,
    OutputExistsError,
    TreeError,
    TreeFileError,
    VolumeMismatchError,
)
from gyrovox.io.tree_file import read_tree, read_trunk, write_tree, write_trunk
from gyrovox.volumes import InMemory, Volume

SUFFIXES = (".mrc", ".nii", ".nii.gz", ".tif", ".ome.tif", ".h5", ".ome.zarr")
SIZES = (4.0, 1.5, 1.25)


def over(tree, folder=None, suffix=".mrc"):
    """A volume that a tree may be of; from a file where a folder is given."""
    voxels = np.zeros(tree.leaves.shape, np.float32)
    volume = Volume.from_array(voxels, voxel_size_nm=SIZES)
    if folder is None:
        return volume
    volume_io.write(volume, folder / f"scan{suffix}")
    return volume_io.read(folder / f"scan{suffix}")


@pytest.fixture
def tree():
    return laws.random_tree(5, masked=True)


@pytest.fixture
def written(tree, tmp_path):
    return write_tree(tree, tmp_path, like=over(tree))


def names(folder):
    return sorted(one.name for one in folder.iterdir())


# One byte, the last one that fits one byte, two bytes; MRC's bytes have a sign.
@pytest.mark.parametrize("leaves", [1, 200, 255, 256, 700])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_comes_back_bit_by_bit(suffix, masked, leaves, tmp_path):
    tree = laws.random_tree(leaves, masked=masked, seed=leaves)
    volume = over(tree, tmp_path, suffix)
    folder = tmp_path / "result"
    folder.mkdir()
    path = write_tree(tree, folder, like=volume)
    assert path == folder / "tree.json"
    assert names(folder) == [f"leaves{suffix}", "tree.json"]
    laws.check_same_tree(read_tree(path), tree)


@given(laws.trees())
def test_trees_of_every_form_come_back(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("tree")
    laws.check_same_tree(read_tree(write_tree(tree, folder, like=over(tree))), tree)


@pytest.mark.parametrize(
    "change",
    [
        {"curvature": 0.0},
        {"curvature": -0.1},
        {"voxel_size_nm": None},
        {"voxel_size_nm": (0.1, 1e-3, 1 / 3)},
        {"codes": np.zeros((9, 0), np.float32)},
        {"codes": np.full((9, 2), np.nextafter(np.float32(0), np.float32(1)))},
        {"codes": np.full((9, 1), np.finfo(np.float32).max)},
        {"codes": np.full((9, 1), np.float32(-0.0))},
    ],
    ids=str,
)
def test_numbers_at_the_edges_come_back(tree, change, tmp_path):
    edge = replace(tree, **change)
    laws.check_same_tree(read_tree(write_tree(edge, tmp_path, like=over(tree))), edge)


def test_a_path_may_be_text(tree, tmp_path):
    path = write_tree(tree, str(tmp_path), like=over(tree))
    laws.check_same_tree(read_tree(str(path)), tree)


def test_a_leaf_has_its_label_as_id_so_a_cut_is_a_look_up_without_gyrovox(tree, written):
    table = json.loads(written.read_text(encoding="utf-8"))
    nodes = table["nodes"]
    labels = volume_io.read(written.parent / table["leaves"]).read()[0]
    assert labels.dtype.itemsize == 1
    assert nodes["node"] == list(range(1, 10))
    assert nodes["parent"][-1] == 0
    for node in range(1, 10):
        leaves = []
        for leaf in range(1, 6):
            above = leaf
            while above not in {node, 0}:
                above = nodes["parent"][above - 1]
            leaves += [leaf] * (above == node)
        assert (np.isin(labels, leaves) == tree.mask(node - 1)).all()
        assert nodes["size"][node - 1] == tree.mask(node - 1).sum()


def test_the_file_says_what_the_table_says(tree, written):
    table = json.loads(written.read_text(encoding="utf-8"))
    assert (table["format"], table["version"]) == ("gyrovox segmentation tree", 1)
    assert (table["curvature"], table["voxel_size_nm"]) == (-1.0, list(SIZES))
    for name, column in tree.table().items():
        offset = 1 if name in {"node", "parent"} else 0
        assert table["nodes"][name] == (column + offset).tolist()
    assert table["nodes"]["code"] == tree.codes.tolist()


def test_volumes_of_unknown_voxels_are_left_out_of_the_file(tree, tmp_path):
    path = write_tree(replace(tree, voxel_size_nm=None), tmp_path, like=over(tree))
    text = path.read_text(encoding="utf-8")
    assert "volume_nm3" not in text
    assert "NaN" not in text
    assert json.loads(text)["voxel_size_nm"] is None


def test_leaves_lie_exactly_over_their_volume(tree, tmp_path):
    affine = np.diag([*SIZES, 1.0])
    affine[:3, 3] = 10, -20, 30
    voxels = np.zeros(tree.leaves.shape, np.float32)
    volume_io.write(
        Volume.from_array(voxels, voxel_size_nm=SIZES, affine=affine), tmp_path / "scan.nii.gz"
    )
    volume = volume_io.read(tmp_path / "scan.nii.gz")
    write_tree(tree, tmp_path, like=volume)
    leaves = volume_io.read(tmp_path / "leaves.nii.gz")
    assert leaves.affine.tolist() == volume.affine.tolist()
    assert leaves.voxel_size_nm == volume.voxel_size_nm


@pytest.mark.parametrize("there", ["tree.json", "leaves.mrc"])
def test_files_that_are_there_are_kept_both(tree, tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(OutputExistsError, match=rf"{there}: the output must not exist yet"):
        write_tree(tree, tmp_path, like=over(tree))
    assert names(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "mine"


@pytest.mark.parametrize("masked", [False, True])
def test_a_tree_whose_leaves_lie_elsewhere_is_written_as_one_in_memory(masked, tmp_path):
    tree = laws.random_tree(9, masked=masked)
    trunk = Trunk(
        number=np.arange(tree.n_leaves, dtype=np.int32),
        parents=tree.parents,
        altitudes=tree.altitudes,
        sizes=tree.sizes,
        codes=tree.codes,
        spreads=tree.spreads,
        contrasts=tree.contrasts,
        curvature=tree.curvature,
        voxel_size_nm=tree.voxel_size_nm,
        masked=tree.is_masked,
    )
    like = over(tree)
    for folder in ("whole", "trunk"):
        (tmp_path / folder).mkdir()
    write_tree(tree, tmp_path / "whole", like=like)
    leaves = InMemory((tree.leaves + 1).astype(np.uint8)[np.newaxis])
    table = write_trunk(trunk, leaves, tmp_path / "trunk", like=like)
    assert table.read_bytes() == (tmp_path / "whole" / "tree.json").read_bytes()
    np.testing.assert_array_equal(read_tree(table).leaves, tree.leaves)


def test_a_tree_may_be_replaced(written):
    other = laws.random_tree(7, seed=3)
    write_tree(other, written.parent, like=over(other), overwrite=True)
    laws.check_same_tree(read_tree(written), other)
    assert names(written.parent) == ["leaves.mrc", "tree.json"]


def test_what_cannot_be_written_leaves_both_earlier_files(tree, written, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    other = laws.random_tree(7, seed=3)
    with monkeypatch.context() as patch:
        patch.setattr("gyrovox.io.tree_file._text", full)
        with pytest.raises(OSError, match="the disk must have room"):
            write_tree(other, written.parent, like=over(other), overwrite=True)
    laws.check_same_tree(read_tree(written), tree)
    assert names(written.parent) == ["leaves.mrc", "tree.json"]


def test_a_volume_of_another_shape_is_refused(tree, tmp_path):
    volume = Volume.from_array(np.zeros((3, 4, 6), np.float32))
    with pytest.raises(VolumeMismatchError, match=r"\(3, 4, 5\) came for \(3, 4, 6\) voxels"):
        write_tree(tree, tmp_path, like=volume)
    assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_said(tree, tmp_path):
    with pytest.raises(MissingFileError, match="the folder of an output must exist"):
        write_tree(tree, tmp_path / "no", like=over(tree))


def test_more_leaves_than_labels_are_refused(tmp_path):
    tree = laws.chain(2**16)
    with pytest.raises(TreeError, match=r"at most 65535 leaves to be written.* it has 65536"):
        write_tree(tree, tmp_path, like=over(tree))
    assert names(tmp_path) == []


def test_the_last_label_of_two_bytes_is_a_leaf(tmp_path):
    tree = laws.chain(2**16 - 1)
    laws.check_same_tree(read_tree(write_tree(tree, tmp_path, like=over(tree))), tree)


@pytest.mark.parametrize("kind", ["absent", "folder"])
def test_a_missing_file_is_said(tmp_path, kind):
    path = tmp_path / "tree.json"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(MissingFileError, match=r"a tree must be a tree\.json .* is no file"):
        read_tree(path)


def test_missing_leaves_are_said(written):
    (written.parent / "leaves.mrc").unlink()
    with pytest.raises(MissingFileError, match=r"leaves\.mrc: the file must exist"):
        read_tree(written)


def test_a_file_that_may_not_be_read_is_said(written, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    with pytest.raises(FileAccessError, match=r"the tree .* may not be read by this user"):
        read_tree(written)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000], ids=["empty", "cut", "bytes", "deep"]
)
def test_what_is_no_json_is_refused(written, content):
    written.write_bytes(content)
    with pytest.raises(TreeFileError, match="must be JSON, and is not"):
        read_tree(written)


def test_a_file_that_was_cut_short_is_refused(written):
    whole = written.read_bytes()
    for length in range(0, len(whole) - 2, 97):
        written.write_bytes(whole[:length])
        with pytest.raises(TreeFileError, match="must be JSON, and is not"):
            read_tree(written)


@pytest.mark.parametrize("content", ["3", "[]", "{}", '{"format": "another"}'])
def test_the_json_of_something_else_is_refused(written, content):
    written.write_text(content)
    with pytest.raises(TreeFileError, match="must say that it is a gyrovox segmentation tree"):
        read_tree(written)


def changed(path, change):
    """A tree file after a change of its content."""
    table = json.loads(path.read_text(encoding="utf-8"))
    change(table)
    path.write_text(json.dumps(table), encoding="utf-8")


def sets(name, value, place=None):
    """A change of one column, or of one of its numbers."""

    def change(table):
        if place is None:
            table["nodes"][name] = value
        else:
            table["nodes"][name][place] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.update(version=2), "must be of version 1, and is of version 2"),
        (lambda table: table.pop("version"), "is of version None"),
        (lambda table: table.pop("nodes"), "must have 'nodes', and has not"),
        (lambda table: table.pop("leaves"), "must have 'leaves', and has not"),
        (lambda table: table.pop("curvature"), "must have 'curvature', and has not"),
        (lambda table: table["nodes"].pop("code"), "must have 'code', and has not"),
        (lambda table: table.update(nodes=[1]), "the nodes are no columns with names"),
        (lambda table: table.update(curvature=None), "curvature is no number"),
        (lambda table: table.update(voxel_size_nm="123"), "voxel_size_nm is no row of numbers"),
        (lambda table: table.update(curvature=1), "negative, or 0 for flat space, and it is 1.0"),
        (lambda table: table.update(voxel_size_nm=[1, 2]), "not enough values"),
        (lambda table: table.update(voxel_size_nm=[1, 2, 0]), "voxel sizes must be positive"),
        (lambda table: table.update(leaves=None), "name of a file beside it, and are None"),
        (lambda table: table.update(leaves="../leaves.mrc"), "are '../leaves.mrc'"),
        (lambda table: table.update(leaves=""), "beside it, and are ''"),
        (lambda table: table.update(leaves=".."), r"are '\.\.'"),
        (sets("node", 2, 0), "not counted from 1 on"),
        (sets("parent", 1.5, 0), "parent is no row of numbers"),
        pytest.param(sets("parent", None), "parent is no row of numbers", id="no-parents"),
        (sets("parent", 2**40, 0), "parent has numbers beyond 32 bits"),
        pytest.param(sets("parent", 2**80, 0), "parent is no row of numbers", id="huge-parent"),
        (sets("parent", 0, 0), "node 0 has parent -1"),
        (sets("parent", 1, -1), "must be its own parent as the root, and has 0"),
        (sets("parent", []), r"shape is \(0,\)"),
        (sets("size", True, 0), "the size of a node must be"),
        (sets("size", [True] * 9), "size is no row of numbers"),
        (sets("altitude", "high", -1), "altitude is no row of numbers"),
        (sets("altitude", float("nan"), -1), "altitudes must be finite"),
        (sets("spread", 1e300, 0), "spreads must be finite"),
        (sets("contrast", [0.0]), "contrasts must have one number for each of 9 nodes"),
        (sets("code", [0.0], 0), "code is no table of numbers"),
        pytest.param(sets("code", [0.0] * 9), "code is no table of numbers", id="flat-codes"),
        (sets("code", [[0.0]]), r"codes must have shape \(nodes, dim\) with 9 nodes"),
    ],
)
def test_what_is_no_table_of_nodes_is_refused(written, change, message):
    changed(written, change)
    with pytest.raises(TreeFileError, match=message) as caught:
        read_tree(written)
    assert str(written) in str(caught.value)


def test_leaves_of_another_tree_are_refused(tree, written):
    labels = (tree.leaves[::-1, ::-1] + 1).astype(np.uint8)
    labels[labels == 1] = 2
    volume_io.write_labels(labels, written.parent / "leaves.mrc", like=over(tree), overwrite=True)
    with pytest.raises(
        TreeFileError, match=r"over the leaves in leaves\.mrc, and are none: leaf 0"
    ):
        read_tree(written)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((3, 4, 5), np.float32), ((2, 3, 4, 5), np.uint8)], ids=str
)
def test_a_file_of_other_things_than_leaves_is_refused(written, shape, dtype):
    volume = Volume.from_array(np.zeros(shape, dtype))
    volume_io.write(volume, written.parent / "leaves.nii")
    changed(written, lambda table: table.update(leaves="leaves.nii"))
    with pytest.raises(TreeFileError, match=r"leaves\.nii: leaves must be one channel of whole"):
        read_tree(written)


def test_leaves_that_are_no_volume_are_said(written):
    (written.parent / "leaves.mrc").write_bytes(b"no volume")
    with pytest.raises(FileFormatError, match=r"leaves\.mrc"):
        read_tree(written)


def test_volumes_are_read_without_what_trees_need():
    code = "import sys, gyrovox.io; sys.exit('gyrovox.clustering' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("suffix", [".mrc", ".nii.gz", ".ome.zarr"])
def test_a_trunk_is_the_tree_without_its_voxels(suffix, masked, tmp_path):
    tree = laws.random_tree(40, masked=masked)
    path = write_tree(tree, tmp_path, like=over(tree, tmp_path, suffix))
    trunk, leaves = read_trunk(str(path))
    assert trunk.masked == masked
    assert leaves.spatial_shape == tree.leaves.shape
    numbers = leaves.read()[0].astype(np.int32) - 1
    np.testing.assert_array_equal(trunk.number, np.arange(40))
    laws.check_same_tree(trunk.tree(numbers), tree)


def test_a_trunk_is_read_without_a_voxel(written, monkeypatch):
    def refuse(*_):
        raise AssertionError("a voxel was read")

    monkeypatch.setattr(Volume, "read", refuse)
    assert read_trunk(written)[0].n_leaves == 5


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ('"curvature": 1.0', "none: curvature must be negative"),
        ('"curvature": "x"', "curvature is no number"),
        ('"curve": -1.0', "must have 'curvature', and has not"),
    ],
)
def test_a_damaged_trunk_is_refused(broken, message, written):
    text = written.read_text(encoding="utf-8")
    written.write_text(text.replace('"curvature": -1.0', broken), encoding="utf-8")
    with pytest.raises(TreeFileError, match=message):
        read_trunk(written)


def test_a_trunk_of_no_nodes_is_refused(written):
    facts = json.loads(written.read_text(encoding="utf-8"))
    facts["nodes"] = {name: column[:0] for name, column in facts["nodes"].items()}
    facts["nodes"]["code"] = [[]]
    written.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(TreeFileError, match=r"none: parents must be one row"):
        read_trunk(written)
