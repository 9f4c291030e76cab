"""What the codes of a tree's nodes are: their means, their spreads, their distances."""

import numpy as np
import torch
from numpy.typing import NDArray

from gyrovox.clustering.leaf_summaries import LeafCodes
from gyrovox.geometry import manifold

NodeCodes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def node_codes(leaves: LeafCodes, merges: NDArray[np.intp], *, curvature: float) -> NodeCodes:
    """Mean codes, spreads and contrasts of all nodes of a tree.

    The mean of a leaf is the Fréchet mean of the codes of its interior, because a patch near a
    boundary sees both sides; a leaf without an interior has the mean of all its voxels. The mean
    of a merge lies on the geodesic between those of its children, as far from each as the other
    is large. The square of a merge's spread is the mean of its children's squares and of those of
    the distances of their means to its own. Where the means of leaves are those of all their
    voxels, this is exact in flat space, and in the ball a lower bound of the mean squared distance
    to the merge's mean, and to every other point.

    Args:
        leaves: What is known of the codes of every leaf.
        merges: Children of every merge, in order, shape ``(leaves - 1, 2)``; merge i makes node
            ``leaves + i``.
        curvature: Sectional curvature κ ≤ 0 of the codes' space.

    Returns:
        Mean codes ``(nodes, dim)``, spreads ``(nodes,)`` and contrasts ``(nodes,)``, the distance
        to the sibling's mean, 0 for the root.

    Source:
        The bound: Sturm (2003), proposition 4.4 and corollary 2.5.
        https://doi.org/10.1090/conm/338/06080
    """
    space = manifold("euclidean") if curvature == 0 else manifold("poincare", curvature=curvature)
    count = len(merges) + 1
    sizes = np.zeros(2 * count - 1)
    means = torch.zeros(2 * count - 1, leaves.means.shape[1], dtype=torch.float64)
    squares = np.zeros(2 * count - 1)
    contrasts = np.zeros(2 * count - 1)
    sizes[:count] = leaves.counts
    means[:count] = torch.from_numpy(leaves.means)
    squares[:count] = np.maximum(leaves.squares, 0)
    for wave in _waves(merges):
        one, other = merges[wave].T
        node = count + wave
        sizes[node] = sizes[one] + sizes[other]
        share = sizes[other] / sizes[node]
        towards = space.code_add(-means[one], means[other])
        means[node] = space.code_add(means[one], torch.from_numpy(share)[:, None] * towards)
        # 2 |u|, as everywhere: the metric at the origin is 4 I.
        far = 2 * np.linalg.norm(towards.numpy(), axis=1)
        contrasts[one] = contrasts[other] = far
        squares[node] = (1 - share) * squares[one] + share * squares[other]
        squares[node] += share * (1 - share) * far**2
    return (
        means.numpy().astype(np.float32),
        np.sqrt(squares).astype(np.float32),
        contrasts.astype(np.float32),
    )


def _waves(merges: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Merges that can be made at once, those first that others wait for."""
    count = len(merges) + 1
    height = np.zeros(2 * count - 1, np.intp)
    for step, (one, other) in enumerate(merges):
        height[count + step] = 1 + max(height[one], height[other])
    order = np.argsort(height[count:], kind="stable")
    return np.split(order, np.flatnonzero(np.diff(height[count:][order])) + 1) if len(order) else []
