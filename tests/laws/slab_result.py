"""A small finished segmentation without training: five slabs of voxels and the tree over them."""

import json

import numpy as np

from gyrovox import io
from gyrovox.clustering import SegmentationTree
from gyrovox.settings import CATALOGUE, plain_values
from gyrovox.volumes import Volume

SHAPE = (6, 12, 10)
PARENTS = np.array([5, 5, 6, 6, 8, 7, 7, 8, 8], np.int32)


def slab_tree(*, size=(2.0, 2.0, 2.0), masked=False, dim=2):
    """Slabs of 2 voxels along x: 0 and 1 merge, 2 and 3, both, and with slab 4 the whole."""
    leaves = np.broadcast_to(np.arange(10) // 2, SHAPE).astype(np.int32)
    if masked:
        leaves[:, :2] = -1
    sizes = np.bincount(leaves[leaves >= 0])
    whole = [*sizes, sizes[:2].sum(), sizes[2:4].sum(), sizes[:4].sum(), sizes.sum()]
    codes = np.random.default_rng(1).normal(0, 0.5, (9, dim)).astype(np.float32)
    return SegmentationTree(
        leaves=leaves,
        parents=PARENTS,
        altitudes=np.array([0.0, 0, 0, 0, 0, 1, 2, 5, 20]),
        sizes=np.array(whole),
        codes=codes,
        spreads=np.full(9, 0.25, np.float32),
        contrasts=np.array([1, 1, 1, 1, 1, 1, 1, 1, 0], np.float32),
        curvature=-1.0,
        voxel_size_nm=size,
    )


def slab_record(**facts):
    """What `run.json` says of a run with the default settings."""
    return {
        "command": "segment",
        "finished": "2026-11-26T11:09:24+00:00",
        "volume": "scan.mrc",
        "levels": [2, 3],
        "mask": None,
        "model_file": None,
        "tile": None,
        "seed": 7,
        "device": "cpu",
        "nan_policy": "error",
        "settings": plain_values(CATALOGUE["default"]),
        "inputs": [{"name": "scan.mrc", "path": "scan.mrc", "shape": [1, *SHAPE]}],
        "timings_s": {"train": 61.0, "segment": 2.5},
        "peak_memory_mib": {"ram": 512.3},
        "versions": {"python": "3.11.7", "gyrovox": "0.1.0"},
        **facts,
    }


def write_slabs(
    folder,
    *,
    name="scan.mrc",
    size=(2.0, 2.0, 2.0),
    masked=False,
    with_tree=True,
    levels=(2, 3),
    dim=2,
    **facts,
):
    """Write a finished run into a new folder."""
    folder.mkdir()
    image = np.random.default_rng(0).normal(100, 20, SHAPE).astype(np.float32)
    io.write(Volume.from_array(image, voxel_size_nm=size), folder / name)
    volume = io.read(folder / name)
    one = slab_tree(size=size, masked=masked, dim=dim)
    suffix = io.label_suffix(folder / name)
    for k in levels:
        io.write_labels(one.cut(k).labels, folder / f"level-{k}{suffix}", like=volume)
    if with_tree:
        io.write_tree(one, folder, like=volume)
    record = slab_record(volume=name, **facts)
    record["inputs"][0].update(name=name, path=name)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
