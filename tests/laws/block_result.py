"""A result over a volume of noise whose leaves are blocks, made without training."""

import json

import numpy as np
from block_tree import block_tree

from gyrovox import io
from gyrovox.volumes import Volume

SHAPE = (12, 16, 20)
SIZES = (4.0, 2.0, 2.5)


def write_result(folder, *, shape=SHAPE, seed=0, masked=True, suffix=".mrc", regions=1024):
    """A volume of noise, a tree of its blocks beside it, and the record that names the volume."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    image = rng.normal(100, 20, shape).astype(np.float32)
    codes = np.zeros((*shape, 2), np.float32)
    codes += rng.normal(0, 0.1, 2) + np.stack(np.indices(shape)[:2], -1) / 40
    inside = np.ones(shape, bool)
    if masked:
        inside[:, :4, :4] = False
    tree = block_tree(
        codes,
        image[..., np.newaxis],
        curvature=-1.0,
        inside=inside,
        voxel_size_nm=SIZES,
        regions=regions,
    )
    io.write(Volume.from_array(image, voxel_size_nm=SIZES), folder / f"scan{suffix}")
    volume = io.read(folder / f"scan{suffix}")
    io.write_tree(tree, folder, like=volume)
    io.write_labels(tree.cut(2).labels, folder / f"level-2{suffix}", like=volume)
    record = {"command": "segment", "volume": f"scan{suffix}"}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
