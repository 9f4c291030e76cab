"""Segmentation trees to test with, and slow definitions of what is said about them."""

import itertools

import numpy as np
from hypothesis import strategies as st

from gyrovox.clustering import SegmentationTree
from gyrovox.clustering.trunk import Trunk

# Few values, 0 among them, so that altitudes tie.
STEPS = (0.0, 0.5, 1.0, 3.0)


def tree_of(merges, steps, *, masked, curvature=-1.0, voxel_size_nm=(4.0, 1.5, 1.25), seed=0):
    """A tree of given merges, over a small volume of random leaves.

    `merges` are pairs of positions in the list of the nodes that are not merged yet; each merge
    forms `steps` above the higher of the two.
    """
    generator = np.random.default_rng(seed)
    n_leaves, n_nodes = len(merges) + 1, 2 * len(merges) + 1
    leaves = _leaves(n_leaves, masked=masked, generator=generator)
    parents = np.arange(n_nodes, dtype=np.int32)
    altitudes = np.zeros(n_nodes)
    sizes = np.zeros(n_nodes, np.int64)
    sizes[:n_leaves] = np.bincount(leaves[leaves >= 0], minlength=n_leaves)
    waiting = list(range(n_leaves))
    for node, (pair, step) in enumerate(zip(merges, steps, strict=True), start=n_leaves):
        children = [waiting.pop(position % len(waiting)) for position in pair]
        parents[children] = node
        altitudes[node] = altitudes[children].max() + step
        sizes[node] = sizes[children].sum()
        waiting.append(node)
    contrasts = generator.random(n_nodes, np.float32)
    contrasts[-1] = 0
    return SegmentationTree(
        leaves=leaves,
        parents=parents,
        altitudes=altitudes,
        sizes=sizes,
        codes=generator.normal(size=(n_nodes, 3)).astype(np.float32),
        spreads=generator.random(n_nodes, np.float32),
        contrasts=contrasts,
        curvature=curvature,
        voxel_size_nm=voxel_size_nm,
    )


def _leaves(n_leaves, *, masked, generator):
    """Every leaf at least once, in random places, and −1 at about a third with a mask."""
    count = max(60, 2 * n_leaves + 1)
    count += -count % 12
    values = generator.integers(0, n_leaves, count)
    if masked:
        values[generator.random(count) < 0.3] = -1
        values[-1] = -1
    values[:n_leaves] = np.arange(n_leaves)
    return generator.permutation(values).astype(np.int32).reshape(3, 4, -1)


def random_tree(n_leaves, *, masked=False, seed=0, **facts):
    """A tree of random merges at altitudes of many digits."""
    generator = np.random.default_rng(seed)
    merges = generator.integers(0, 2**31, (n_leaves - 1, 2)).tolist()
    steps = generator.exponential(size=n_leaves - 1).tolist()
    return tree_of(merges, steps, masked=masked, seed=seed, **facts)


def random_parents(rng, leaves):
    """Parents of a random binary tree: two open nodes merge at a time."""
    parents, open_nodes = np.zeros(2 * leaves - 1, np.int32), list(range(leaves))
    for node in range(leaves, 2 * leaves - 1):
        for _ in range(2):
            parents[open_nodes.pop(rng.integers(len(open_nodes)))] = node
        open_nodes.append(node)
    parents[-1] = len(parents) - 1
    return parents


@st.composite
def trees(draw, most_leaves=8):
    """Small trees of every form, chains among them, with ties."""
    n_merges = draw(st.integers(0, most_leaves - 1))
    position = st.integers(0, most_leaves)
    merges = draw(st.lists(st.tuples(position, position), min_size=n_merges, max_size=n_merges))
    steps = draw(st.lists(st.sampled_from(STEPS), min_size=n_merges, max_size=n_merges))
    return tree_of(merges, steps, masked=draw(st.booleans()), seed=draw(st.integers(0, 99)))


def trunk_of(tree):
    """A tree without its voxels."""
    columns = ("parents", "altitudes", "sizes", "codes", "spreads", "contrasts")
    return Trunk(
        number=np.arange(tree.n_leaves, dtype=np.int32),
        **{name: vars(tree)[name] for name in columns},
        curvature=tree.curvature,
        voxel_size_nm=tree.voxel_size_nm,
        masked=tree.is_masked,
    )


def leaves_below(tree, node):
    """The leaves of a branch, walked down one by one."""
    children = [child for child in range(node) if tree.parents[child] == node]
    if not children:
        return {node}
    return set().union(*(leaves_below(tree, child) for child in children))


def every_cut(tree, node=None):
    """All sets of nodes that hold every leaf of a branch once, by definition of a tree."""
    node = tree.root if node is None else node
    cuts = [frozenset({node})]
    children = [child for child in range(node) if tree.parents[child] == node]
    if children:
        branches = [every_cut(tree, child) for child in children]
        cuts += [first | second for first, second in itertools.product(*branches)]
    return cuts


def check_one_class_per_voxel(tree, cut):
    """Classes are the voxels of their nodes, by size, and all of them together the mask."""
    inside = tree.leaves >= 0
    first = 0 if inside.all() else 1
    assert cut.labels.shape == tree.leaves.shape
    assert (cut.labels[~inside] == 0).all()
    order = sorted(cut.nodes, key=lambda node: (-tree.sizes[node], node))
    assert list(cut.nodes) == order
    for label, node in enumerate(cut.nodes, start=first):
        held = np.isin(tree.leaves, list(leaves_below(tree, node)))
        assert ((cut.labels == label) & inside == held).all()
        assert held.sum() == tree.sizes[node]
    assert sum(tree.sizes[list(cut.nodes)]) == inside.sum()


def check_same_tree(found, expected):
    """Two trees are equal bit by bit."""
    for name in ("leaves", "parents", "altitudes", "sizes", "codes", "spreads", "contrasts"):
        one, other = vars(found)[name], vars(expected)[name]
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    assert found.curvature == expected.curvature
    assert found.voxel_size_nm == expected.voxel_size_nm


def chain(n_leaves):
    """A tree that takes up one leaf after another, four voxels each."""
    n_nodes = 2 * n_leaves - 1
    parents = np.minimum(np.arange(1, n_nodes + 1), n_nodes - 1)
    parents[:n_leaves] = np.maximum(np.arange(n_leaves - 1, n_nodes), n_leaves)[:n_leaves]
    ranks = np.concatenate([np.zeros(n_leaves), np.arange(1, n_leaves)])
    return SegmentationTree(
        leaves=np.tile(np.arange(n_leaves, dtype=np.int32), (2, 2, 1)),
        parents=parents.astype(np.int32),
        altitudes=ranks,
        sizes=4 * (ranks.astype(np.int64) + 1),
        codes=np.zeros((n_nodes, 1), np.float32),
        spreads=np.zeros(n_nodes, np.float32),
        contrasts=np.zeros(n_nodes, np.float32),
        curvature=0.0,
        voxel_size_nm=None,
    )
