"""Where the nodes of a tree lie in the Poincaré disk, whatever the dimension of their codes."""

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from gyrovox.clustering.trunk import Trunk
from gyrovox.geometry import codes as hyperbolic_codes
from gyrovox.geometry.frechet_mean import frechet_mean

_INSIDE = 1 - 1e-9  # of the unit disk, whose rim no point reaches


def disk_positions(trunk: Trunk) -> Float64[np.ndarray, "nodes 2"]:
    r"""Points of the unit disk for the mean codes of all nodes.

    Codes of two dimensions are shown as they are, on the ball scaled to radius 1: exp_0(u) with
    curvature −1. Of more dimensions the two are shown in which the leaves spread most, by tangent
    PCA: codes are seen from the Fréchet mean of the leaves, each with the weight of its voxels,
    projected onto the two first principal axes of these tangent vectors, and led back to the disk,

    .. math::
        x = \exp_0\left(P \log_0(-m \oplus y)\right), \quad
        P \text{ the axes of } \textstyle\sum_i w_i \log(\ldots)_i \log(\ldots)_i^T .

    So the mean is the middle of the disk, and distances from it are those in the plane: of points
    in a two-dimensional geodesic plane through the mean all distances are kept, of others they
    shrink. Flat codes are shown in a plane, or by their own PCA, scaled to [−1, 1].

    Args:
        trunk: The tree.

    Returns:
        Points (x, y), shape ``(nodes, 2)``, of lengths below 1.

    Source:
        Fletcher et al. (2004), Principal geodesic analysis for the study of nonlinear statistics
        of shape, algorithm 2. https://doi.org/10.1109/TMI.2004.831793
    """
    codes = trunk.codes.astype(np.float64)
    dim = codes.shape[1]
    if dim < 2:
        codes = np.pad(codes, ((0, 0), (0, 2 - dim)))
    if trunk.curvature == 0:
        plane = codes if dim <= 2 else _principal_plane(codes - _mean(codes, trunk), trunk)
        farthest = np.linalg.norm(plane, axis=1).max()
        return plane * (_INSIDE / farthest if farthest > 0 else 1.0)
    if dim > 2:
        codes = _principal_plane(_seen_from_mean(codes, trunk), trunk)
    lengths = np.sqrt(-trunk.curvature) * np.linalg.norm(codes, axis=1, keepdims=True)
    directions = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-300)
    return np.asarray(directions * np.minimum(np.tanh(lengths), _INSIDE))


def _shares(trunk: Trunk) -> NDArray[np.float64]:
    """The part of all voxels that every leaf has, shape (leaves,)."""
    sizes = trunk.sizes[: trunk.n_leaves].astype(np.float64)
    return sizes / sizes.sum()


def _mean(codes: NDArray[np.float64], trunk: Trunk) -> NDArray[np.float64]:
    """The mean of the flat codes of all voxels, shape (dim,)."""
    return np.asarray(_shares(trunk) @ codes[: trunk.n_leaves])


def _seen_from_mean(codes: NDArray[np.float64], trunk: Trunk) -> NDArray[np.float64]:
    """Tangent vectors at the mean of the leaves that lead to all nodes, shape (nodes, dim)."""
    points = torch.from_numpy(codes)
    shares = torch.from_numpy(_shares(trunk))
    mean = frechet_mean(points[: trunk.n_leaves], shares, curvature=trunk.curvature)
    return hyperbolic_codes.add(-mean, points, curvature=trunk.curvature).numpy()


def _principal_plane(vectors: NDArray[np.float64], trunk: Trunk) -> NDArray[np.float64]:
    """Coordinates along the two axes in which the leaves spread most, shape (nodes, 2)."""
    leaves = vectors[: trunk.n_leaves]
    _, axes = np.linalg.eigh((leaves * _shares(trunk)[:, np.newaxis]).T @ leaves)
    plane = axes[:, :-3:-1]
    # An axis has no sign of its own: its largest coordinate is positive.
    largest = np.take_along_axis(plane, np.abs(plane).argmax(axis=0)[np.newaxis], axis=0)
    return np.asarray(vectors @ (plane * np.where(largest < 0, -1.0, 1.0)))
