"""What the codes of a tree's nodes are: their means, their spreads, their distances."""

import numpy as np
import torch
from jaxtyping import Float32, Int32
from numpy.typing import NDArray

from gyrovox.clustering.evidence import interior
from gyrovox.geometry import Manifold, manifold

_STEPS = 3  # of the mean's flow; each leaves about the cube of the spread
_BLOCK = 2**20  # voxels at a time

NodeCodes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def node_codes(
    codes: Float32[np.ndarray, "z y x dim"],
    leaves: Int32[np.ndarray, "z y x"],
    merges: NDArray[np.intp],
    *,
    curvature: float,
) -> NodeCodes:
    """Mean codes, spreads and contrasts of all nodes of a tree.

    The mean of a leaf is the Fréchet mean of the codes of its interior, because a patch near a
    boundary sees both sides; a leaf without an interior has the mean of all its voxels. The mean
    of a merge lies on the geodesic between those of its children, as far from each as the other
    is large. The square of a merge's spread is the mean of its children's squares and of those of
    the distances of their means to its own. Where the means of leaves are those of all their
    voxels, this is exact in flat space, and in the ball a lower bound of the mean squared distance
    to the merge's mean, and to every other point.

    Args:
        codes: Tangent vectors at the origin, shape ``(z, y, x, dim)``.
        leaves: Leaf of every voxel, from 0, shape ``(z, y, x)``; −1 outside.
        merges: Children of every merge, in order, shape ``(leaves - 1, 2)``; merge i makes node
            ``leaves + i``.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.

    Returns:
        Mean codes ``(nodes, dim)``, spreads ``(nodes,)`` and contrasts ``(nodes,)``, the distance
        to the sibling's mean, 0 for the root.

    Source:
        Numerically, one step of the Karcher flow a time; Karcher (1977).
        https://doi.org/10.1002/cpa.3160300502. The bound: Sturm (2003), proposition 4.4 and
        corollary 2.5. https://doi.org/10.1090/conm/338/06080
    """
    space = manifold("euclidean") if curvature == 0 else manifold("poincare", curvature=curvature)
    count = len(merges) + 1
    sizes = np.bincount(leaves[leaves >= 0], minlength=2 * count - 1).astype(np.float64)
    means = torch.zeros(2 * count - 1, codes.shape[-1], dtype=torch.float64)
    squares = np.zeros(2 * count - 1)
    contrasts = np.zeros(2 * count - 1)
    means[:count], squares[:count] = _leaf_codes(codes, leaves, count, space)
    for step, (one, other) in enumerate(merges):
        node = count + step
        sizes[node] = sizes[one] + sizes[other]
        share = sizes[other] / sizes[node]
        towards = space.code_add(-means[one], means[other])
        means[node] = space.code_add(means[one], share * towards)
        far = float(space.code_distance(means[one], means[other]))
        contrasts[[one, other]] = far
        squares[node] = (1 - share) * squares[one] + share * squares[other]
        squares[node] += share * (1 - share) * far**2
    return (
        means.numpy().astype(np.float32),
        np.sqrt(squares).astype(np.float32),
        contrasts.astype(np.float32),
    )


def _leaf_codes(
    codes: Float32[np.ndarray, "z y x dim"],
    leaves: Int32[np.ndarray, "z y x"],
    count: int,
    space: Manifold,
) -> tuple[torch.Tensor, NDArray[np.float64]]:
    """Means of the codes of every leaf, and mean squared distances to them."""
    inside = leaves >= 0
    owner = leaves[inside].astype(np.intp)
    every = torch.from_numpy(codes[inside])
    core = interior(leaves)[inside]
    has_core = np.bincount(owner[core], minlength=count) > 0
    used = np.flatnonzero(core | ~has_core[owner])
    means = _leaf_means(every[used].double(), owner[used], count, space)
    squares = np.zeros(count)
    for start in range(0, len(owner), _BLOCK):
        block = slice(start, start + _BLOCK)
        far = space.code_distance(every[block].double(), means[owner[block]])
        squares += np.bincount(owner[block], far.square().numpy(), count)
    return means, squares / np.maximum(np.bincount(owner, minlength=count), 1)


def _leaf_means(
    codes: torch.Tensor,
    owner: NDArray[np.intp],
    count: int,
    space: Manifold,
) -> torch.Tensor:
    """Fréchet means of the codes of every leaf, shape ``(leaves, dim)``."""
    where = torch.from_numpy(owner)
    counts = torch.bincount(where, minlength=count).clamp_min(1)[:, None]
    means = torch.zeros(count, codes.shape[1], dtype=torch.float64).index_add_(0, where, codes)
    means /= counts
    for _ in range(_STEPS):
        step = torch.zeros_like(means)
        for start in range(0, len(codes), _BLOCK):
            block = where[start : start + _BLOCK]
            seen = space.code_add(-means[block], codes[start : start + _BLOCK])
            step.index_add_(0, block, seen)
        means = space.code_add(means, step / counts)
    return means
