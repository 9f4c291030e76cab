"""Trees and textures that a user can have for nothing, from public libraries alone."""

from collections.abc import Sequence
from itertools import pairwise

import higra as hg
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_REGIONS = 8
_SIGMAS = (0.7, 1.0, 1.5, 2.2)  # of the Gaussians whose differences are the three bands


def band_variances(voxels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms of local variances in three bands, of channels (channels, z, y, x).

    Returns:
        Standardised, shape (z, y, x, 3 * channels).
    """
    energies = []
    for channel in voxels:
        blurred = [ndimage.gaussian_filter(channel, sigma) for sigma in _SIGMAS]
        bands = [fine - coarse for fine, coarse in pairwise(blurred)]
        energies += [np.log(ndimage.gaussian_filter(band**2, 2.0) + 1e-6) for band in bands]
    stacked = np.stack(energies, axis=-1).astype(np.float64)
    spread = np.maximum(stacked.std(axis=(0, 1, 2)), 1e-12)
    return (stacked - stacked.mean(axis=(0, 1, 2))) / spread


def region_classes(
    described: NDArray[np.floating], smooth: NDArray[np.floating], levels: Sequence[int]
) -> dict[int, NDArray[np.int64]]:
    """A Mumford-Shah tree cut at 8 regions (or as many as classes), then weighted Ward on means.

    Args:
        described: What regions are told apart by, shape (z, y, x, features).
        smooth: What the tree is made of, shape (z, y, x, features).
        levels: Numbers of classes.

    Returns:
        Number of classes -> labels, shape (z, y, x).
    """
    shape = smooth.shape[:3]
    tree = _tree(smooth)
    columns = described.reshape(int(np.prod(shape)), -1).T
    found = {}
    for classes in levels:
        regions = _cut(tree, max(_REGIONS, classes))
        sizes = np.bincount(regions)
        means = np.stack([np.bincount(regions, column) / sizes for column in columns], axis=1)
        found[classes] = _weighted_ward(means, sizes, classes)[regions].reshape(shape)
    return found


def _tree(smooth: NDArray[np.floating]) -> hg.Tree:
    """The tree of voxels, neighbours across faces."""
    shape = smooth.shape[:3]
    index = np.arange(int(np.prod(shape))).reshape(shape)
    flat = hg.UndirectedGraph(index.size)
    for axis in range(3):
        ahead = np.moveaxis(index, axis, 0)
        flat.add_edges(ahead[:-1].ravel(), ahead[1:].ravel())
    tree, _ = hg.binary_partition_tree_MumfordShah_energy(
        flat,
        smooth.reshape(index.size, -1).astype(np.float64),
        np.ones(index.size),
        np.full(index.size, 6.0),
        np.ones(flat.num_edges()),
    )
    return tree


def _cut(tree: hg.Tree, regions: int) -> NDArray[np.intp]:
    """Region of every voxel after all but the last merges, shape (voxels,)."""
    nodes = np.arange(tree.num_vertices())
    # A node whose parent is none of the last merges belongs to what its parent belongs to.
    merged = tree.parents() < tree.num_vertices() - (regions - 1)
    top = hg.propagate_sequential(tree, nodes, merged)
    return np.unique(top[: tree.num_leaves()], return_inverse=True)[1]


def _weighted_ward(
    means: NDArray[np.float64], sizes: NDArray[np.intp], classes: int
) -> NDArray[np.int64]:
    """Ward's clustering of weighted points: a point of weight n counts as n equal points."""
    means, weight = means.copy(), sizes.astype(np.float64)
    owner = np.arange(len(means))
    while len(np.unique(owner)) > classes:
        alive = np.unique(owner)
        gap = ((means[alive, None] - means[None, alive]) ** 2).sum(axis=-1)
        harmonic = 1 / (1 / weight[alive, None] + 1 / weight[None, alive])
        cost = gap * harmonic + np.diag(np.full(len(alive), np.inf))
        one, other = alive[list(np.unravel_index(cost.argmin(), cost.shape))]
        total = weight[one] + weight[other]
        means[one] = (weight[one] * means[one] + weight[other] * means[other]) / total
        weight[one] = total
        owner[owner == other] = one
    return np.unique(owner, return_inverse=True)[1]
