"""Agglomerative clustering by how strongly clusters are linked, both ways, in a neighbour graph."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

Weights = NDArray[np.float32]


def neighbour_weights(points: Weights, *, neighbours: int = 20, scale: float = 1.0) -> Weights:
    r"""Weights of the directed graph from each point to its nearest neighbours.

    .. math::
        W_{ij} = \exp(-‖x_i - x_j‖^2 / σ^2), \quad
        σ^2 = \frac{a}{n K} Σ_i Σ_{j ∈ N(i)} ‖x_i - x_j‖^2

    Args:
        points: Shape (points, features).
        neighbours: K, of each point.
        scale: a.

    Returns:
        Shape (points, points), 0 where j is no neighbour of i.

    Source:
        Zhang, Wang, Zhao & Tang (2012), the weights of the directed graph.
        https://arxiv.org/abs/1208.5092
    """
    neighbours = min(neighbours, len(points) - 1)
    distances, indices = NearestNeighbors(n_neighbors=neighbours).fit(points).kneighbors()
    squares = np.square(distances)
    width = max(scale * squares.mean(), np.finfo(np.float32).tiny)
    weights = np.zeros((len(points), len(points)), np.float32)
    np.put_along_axis(weights, indices, np.exp(-squares / width).astype(np.float32), 1)
    return weights


class Linkage:
    r"""Clusters of points, the affinities between them, and their merging two by two.

    .. math::
        A(a, b) = \frac{1}{|a|^2} 1^T W_{ab} W_{ba} 1 + \frac{1}{|b|^2} 1^T W_{ba} W_{ab} 1

    For the sums, ``1^T W_{ab} W_{ba} 1`` is the sum over the points j of b of (weights from a to j)
    times (weights from j to a), so two rows for each cluster are all that has to be kept.

    Args:
        weights: Of the neighbour graph, shape (points, points).
        labels: Cluster of each point, 0 to the number of clusters - 1, none empty.

    Source:
        Zhang, Wang, Zhao & Tang (2012), graph degree linkage. https://arxiv.org/abs/1208.5092
    """

    def __init__(self, weights: Weights, labels: NDArray[np.integer]) -> None:
        self.labels = np.asarray(labels).copy()
        members = np.eye(self.labels.max() + 1, dtype=np.float32)[self.labels]  # (points, clusters)
        self._sizes = members.sum(0)
        self._from = members.T @ weights
        self._into = members.T @ weights.T
        self._both = (self._from * self._into) @ members

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(self._sizes)

    def affinities(self) -> Weights:
        """Affinity of each cluster to each other, shape (clusters, clusters), -inf to itself."""
        one_way = self._both / np.square(self._sizes)[:, None]
        affinity = one_way + one_way.T
        np.fill_diagonal(affinity, -np.inf)
        return affinity

    def nearest(self, count: int) -> NDArray[np.integer]:
        """The clusters of highest affinity to each, highest first, shape (clusters, <= count)."""
        count = min(count, self.clusters - 1)
        return np.argsort(-self.affinities(), 1, kind="stable")[:, :count]

    def merge(self, *, compared: int = 5, local_weight: float = 1.0) -> None:
        """Join the two clusters that belong together most, and stand out most from the others near.

        That is the cluster i, and its nearest, of the highest affinity plus `local_weight` times
        the mean of what that affinity is more than those to the next nearest.

        Args:
            compared: Nearest clusters that are looked at, the very nearest among them.
            local_weight: λ; 0 joins those of the highest affinity.

        Source:
            Yang, Parikh & Batra (2016), the forward pass. https://arxiv.org/abs/1604.03628
        """
        affinity = self.affinities()
        compared = min(compared, self.clusters - 1)
        highest = -np.sort(np.partition(-affinity, compared - 1, 1)[:, :compared], 1)
        gain = highest[:, 0].copy()
        if compared > 1:
            gain += local_weight * (highest[:, :1] - highest[:, 1:]).mean(1)
        kept = int(gain.argmax())
        self._join(kept, int(affinity[kept].argmax()))

    def _join(self, kept: int, gone: int) -> None:
        """Put the points of one cluster into another, and number the rest anew."""
        self.labels[self.labels == gone] = kept
        self._sizes[kept] += self._sizes[gone]
        self._from[kept] += self._from[gone]
        self._into[kept] += self._into[gone]
        self._both[:, kept] += self._both[:, gone]
        self._sizes = np.delete(self._sizes, gone)
        self._from = np.delete(self._from, gone, 0)
        self._into = np.delete(self._into, gone, 0)
        self._both = np.delete(np.delete(self._both, gone, 0), gone, 1)
        self.labels[self.labels > gone] -= 1
        kept -= kept > gone
        # Only the row is no sum of two rows: it is quadratic in the weights from the cluster.
        product = self._from[kept] * self._into[kept]
        self._both[kept] = np.bincount(self.labels, product, minlength=self.clusters)
