"""Results to test with: a tree of `tree_laws` and what `segment` leaves beside it."""

import json

import numpy as np
import pytest
import tree_laws as laws

import gyrovox.io as volume_io
from gyrovox.results import ResultFolder
from gyrovox.volumes import Volume

SIZES = (4.0, 1.5, 1.25)
ORIGIN = (100.0, -20.0, 7.5)


def written(folder, tree, *, suffix=".mrc", levels=(), record=None, origin=ORIGIN):
    """The folder of a result of a tree, with the volume that it is of beside it."""
    folder.mkdir(parents=True)
    size = tree.voxel_size_nm
    affine = np.diag((*(size or (1, 1, 1)), 1.0))
    affine[:3, 3] = origin if size is not None else 0
    image = np.random.default_rng(0).normal(size=tree.leaves.shape).astype(np.float32)
    volume = Volume.from_array(image, voxel_size_nm=size, affine=affine)
    source = folder.parent / f"scan{suffix}"
    volume_io.write(volume, source, overwrite=True)
    volume = volume_io.read(source)
    volume_io.write_tree(tree, folder, like=volume)
    for k in levels:
        path = folder / f"level-{k}{volume_io.label_suffix(source)}"
        volume_io.write_labels(tree.cut(k).labels, path, like=volume)
    facts = record
    if record is None:
        inputs = [{"name": volume.name, "path": str(source)}]
        facts = {"command": "segment", "volume": str(source), "inputs": inputs}
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def tree_over(leaves, *, voxel_size_nm=None):
    """A tree that takes up one leaf of a volume after another; −1 is outside."""
    count = int(leaves.max()) + 1
    tree = laws.chain(count)
    sizes = np.bincount(leaves[leaves >= 0], minlength=count)
    return type(tree)(
        leaves=leaves.astype(np.int32),
        parents=tree.parents,
        altitudes=tree.altitudes,
        sizes=np.concatenate([sizes, np.cumsum(sizes)[1:]]),
        codes=tree.codes,
        spreads=tree.spreads,
        contrasts=tree.contrasts,
        curvature=-1.0,
        voxel_size_nm=voxel_size_nm,
    )


@pytest.fixture
def tree():
    return laws.random_tree(12, masked=True, seed=3, voxel_size_nm=SIZES)


@pytest.fixture
def result(tree, tmp_path):
    return ResultFolder.open(written(tmp_path / "out" / "scan", tree, levels=(2, 4)))


@pytest.fixture
def result_of(tmp_path):
    """From leaves, or a tree, to the opened result."""
    made = []

    def make(tree_or_leaves, **how):
        size = how.pop("voxel_size_nm", None)
        tree = tree_or_leaves
        if isinstance(tree, np.ndarray):
            tree = tree_over(tree, voxel_size_nm=size)
        made.append(tree)
        return ResultFolder.open(written(tmp_path / f"{len(made)}" / "scan", tree, **how))

    return make
