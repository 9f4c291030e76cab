"""Results made by hand, for tests that must know every leaf: no training, no clustering."""

import json
from pathlib import Path

import numpy as np

from gyrovox import io
from gyrovox.clustering import SegmentationTree
from gyrovox.volumes import Volume

SIZES_NM = (2.0, 1.0, 1.0)


def boxes(shape=(18, 24, 24)):
    """Twelve boxes of several sizes as leaves, and a corner that is in none."""
    z, y, x = np.indices(shape)
    leaves = (z >= 7) * 6 + (y >= 10) * 3 + (x >= 9).astype(int) + (x >= 17)
    leaves[:4, :4, :4] = -1
    return leaves.astype(np.int32)


def cubes(side=32, edge=2):
    """Cubes of equal size as leaves: 4,096 of them, unless asked otherwise."""
    count = side // edge
    z, y, x = np.indices((side,) * 3) // edge
    return ((z * count + y) * count + x).astype(np.int32)


def paired_tree(leaves, *, seed=0):
    """A tree that merges leaves two by two, then pairs, and so on; the smaller nodes first."""
    rng = np.random.default_rng(seed)
    count = int(leaves.max()) + 1
    nodes = 2 * count - 1
    parents = np.empty(nodes, np.int32)
    sizes = np.zeros(nodes, np.int64)
    sizes[:count] = np.bincount(leaves[leaves >= 0], minlength=count)
    turn = rng.uniform(0, 2 * np.pi, count)
    reach = rng.uniform(0.4, 1.9, count)
    codes = np.zeros((nodes, 2))
    codes[:count] = (reach * [np.cos(turn), np.sin(turn)]).T
    left = list(range(count))
    for parent in range(count, nodes):
        one, other = left.pop(0), left.pop(0)
        parents[[one, other]] = parent
        sizes[parent] = sizes[one] + sizes[other]
        codes[parent] = (sizes[one] * codes[one] + sizes[other] * codes[other]) / sizes[parent]
        left.append(parent)
    parents[-1] = nodes - 1
    siblings = np.argsort(parents[:-1], kind="stable").reshape(-1, 2)
    apart = np.linalg.norm(codes[siblings[:, 0]] - codes[siblings[:, 1]], axis=1)
    contrasts = np.zeros(nodes, np.float32)
    contrasts[siblings] = apart[:, np.newaxis]
    return SegmentationTree(
        leaves=leaves,
        parents=parents,
        altitudes=np.concatenate([np.zeros(count), np.arange(1.0, count)]),
        sizes=sizes,
        codes=codes.astype(np.float32),
        spreads=np.full(nodes, 0.1, np.float32),
        contrasts=contrasts,
        curvature=-1.0,
        voxel_size_nm=SIZES_NM,
    )


def write_hand_made(folder: Path, leaves, *, suffix=".mrc", image=True) -> Path:
    """A result of such a tree, over a volume that is brighter from leaf to leaf."""
    folder.mkdir(parents=True)
    tree = paired_tree(leaves)
    noise = np.random.default_rng(1).normal(0, 2, leaves.shape)
    voxels = (100 + 100 * (leaves + 1) / leaves.max() + noise).astype(np.float32)
    volume = Volume.from_array(voxels, voxel_size_nm=SIZES_NM)
    if image:
        io.write(volume, folder / f"scan{suffix}")
        volume = io.read(folder / f"scan{suffix}")
    io.write_tree(tree, folder, like=volume)
    for classes in (2, 4):
        io.write_labels(tree.cut(classes).labels, folder / f"level-{classes}{suffix}", like=volume)
    record = {"command": "segment", "volume": f"scan{suffix}"}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
