"""Trees and textures that a user can have for nothing, from public libraries alone."""

from functools import lru_cache
from itertools import pairwise

import higra as hg
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle
from sklearn.cluster import KMeans

_REGIONS = 8
_SIGMAS = (0.7, 1.0, 1.5, 2.2)  # of the Gaussians whose differences are the three bands


def mumford_shah(image: NDArray[np.float32], classes: int) -> NDArray[np.int64]:
    """TV denoising (weight 0.3), a Mumford-Shah tree cut at 8 regions, weighted Ward on means."""
    smooth = denoise_tv_chambolle(image, weight=0.3)
    return _region_classes(image[..., None], smooth[..., None], classes)


def band_variances(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Logarithms of local variances in three bands, shape (z, y, x, 3)."""
    blurred = [ndimage.gaussian_filter(image, sigma) for sigma in _SIGMAS]
    bands = [fine - coarse for fine, coarse in pairwise(blurred)]
    energies = [np.log(ndimage.gaussian_filter(band**2, 2.0) + 1e-6) for band in bands]
    stacked = np.stack(energies, axis=-1).astype(np.float64)
    return (stacked - stacked.mean(axis=(0, 1, 2))) / stacked.std(axis=(0, 1, 2))


def kmeans_band_variances(image: NDArray[np.float32], classes: int) -> NDArray[np.int64]:
    """k-means on three band-pass local variances."""
    features = band_variances(image).reshape(-1, 3)
    found = KMeans(classes, n_init=3, random_state=0).fit(features).labels_
    return found.reshape(image.shape).astype(np.int64)


def mumford_shah_band_variances(image: NDArray[np.float32], classes: int) -> NDArray[np.int64]:
    """The same tree on three band-pass local variances."""
    features = band_variances(image)
    return _region_classes(features, features, classes)


def _region_classes(
    described: NDArray[np.floating], smooth: NDArray[np.floating], classes: int
) -> NDArray[np.int64]:
    shape = smooth.shape[:3]
    values = smooth.reshape(int(np.prod(shape)), -1).astype(np.float64)
    regions = _regions(shape, values.tobytes())
    sizes = np.bincount(regions)
    columns = described.reshape(len(regions), -1).T
    means = np.stack([np.bincount(regions, column) / sizes for column in columns], axis=1)
    return _weighted_ward(means, sizes, classes)[regions].reshape(shape)


@lru_cache(maxsize=1)  # every level asks for the same regions
def _regions(shape: tuple[int, int, int], values: bytes) -> NDArray[np.intp]:
    """Regions of the cut of a Mumford-Shah tree of voxels, shape (voxels,)."""
    index = np.arange(int(np.prod(shape))).reshape(shape)
    flat = hg.UndirectedGraph(index.size)
    for axis in range(3):
        ahead = np.moveaxis(index, axis, 0)
        flat.add_edges(ahead[:-1].ravel(), ahead[1:].ravel())
    tree, _ = hg.binary_partition_tree_MumfordShah_energy(
        flat,
        np.frombuffer(values).reshape(index.size, -1),
        np.ones(index.size),
        np.full(index.size, 6.0),
        np.ones(flat.num_edges()),
    )
    top = np.arange(tree.num_vertices())
    parents = tree.parents()
    for node in range(tree.num_vertices() - 2, -1, -1):
        if parents[node] < tree.num_vertices() - (_REGIONS - 1):
            top[node] = top[parents[node]]
    return np.unique(top[: index.size], return_inverse=True)[1]


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
