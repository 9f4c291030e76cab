"""A stand-in for `build_tree` that a reader can check by hand: blocks, merged by Ward."""

import numpy as np
from scipy.cluster.hierarchy import linkage

from gyrovox.clustering import SegmentationTree

SIDE = 4


def block_tree(
    codes, evidence, *, curvature, inside=None, voxel_size_nm=None, regions=1024, quiet=True
):
    """Cubes of `SIDE` voxels as leaves, the means of their codes merged by Ward's criterion."""
    assert evidence.shape[:3] == codes.shape[:3]
    shape = codes.shape[:3]
    inside = np.ones(shape, bool) if inside is None else inside
    side = SIDE
    while True:
        z, y, x = (np.arange(length) // side for length in shape)
        blocks = (z[:, None, None] * 1000 + y[:, None]) * 1000 + x
        names, numbers = np.unique(blocks[inside], return_inverse=True)
        if len(names) <= regions:
            break
        side *= 2
    leaves = np.full(shape, -1, np.int32)
    leaves[inside] = numbers
    n_leaves = len(names)
    parents = np.arange(2 * n_leaves - 1, dtype=np.int32)
    altitudes = np.zeros(2 * n_leaves - 1)
    sizes = np.zeros(2 * n_leaves - 1, np.int64)
    sums = np.zeros((2 * n_leaves - 1, codes.shape[-1]))
    sizes[:n_leaves] = np.bincount(numbers)
    np.add.at(sums, numbers, codes[inside].astype(np.float64))
    means = sums[:n_leaves] / sizes[:n_leaves, None]
    for node, (first, second, height, _) in enumerate(linkage(means, "ward"), start=n_leaves):
        children = [int(first), int(second)]
        parents[children] = node
        altitudes[node] = height
        sizes[node] = sizes[children].sum()
        sums[node] = sums[children].sum(axis=0)
    return SegmentationTree(
        leaves=leaves,
        parents=parents,
        altitudes=altitudes,
        sizes=sizes,
        codes=(sums / sizes[:, None]).astype(np.float32),
        spreads=np.zeros(2 * n_leaves - 1, np.float32),
        contrasts=np.zeros(2 * n_leaves - 1, np.float32),
        curvature=curvature,
        voxel_size_nm=voxel_size_nm,
    )
