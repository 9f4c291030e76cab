"""k-means in hyperbolic space: assignment by distance, centres by Fréchet mean."""

from typing import final

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from gyrovox.devices import cores
from gyrovox.errors import ClusterCountError, SettingsError

from .estimator import Estimator, checked_codes, checked_weights, not_fitted
from .lloyd import Lloyd, Threads, assign, squared_distances, threads
from .seeding import farthest, plus_plus
from .space import FARTHEST, FlatSpace, HyperbolicSpace, Space

_SUBSAMPLE = 20_000
_SUBSAMPLE_STEPS = 100


@final
class HyperbolicKMeans(Estimator):
    r"""Clusters with the least sum of squared distances of codes to their centres.

    k-means++ starts from several draws on a subsample, the best of them is polished on all the
    codes. One iteration assigns by Lorentz products and moves each centre by one step of the
    Fréchet mean's fixed point, a weighted Lorentz sum: the inertia never grows. Products have
    the precision of the codes, as long as the centres are within 2 (float32) or 6 (float64) /
    √−κ of the origin, where they stop telling near from far; then the next better way is taken,
    in the end distances of codes that hold anywhere. Sums and centres are float64. Codes beyond
    300 / √−κ count as lying there.

    Labels are ordered by how far their centre is from the origin, the nearest first.

    An estimator in scikit-learn's manners, without it: clone, pipelines and searches take it. Codes
    are tangent vectors at the origin, so any finite numbers are valid, and become float64 unless
    they are float32.

    Args:
        n_clusters: Number of clusters, at most that of distinct codes.
        curvature: Sectional curvature κ ≤ 0, in 1 / length²; 0 is the Euclidean twin, metric 4 I.
        n_init: Draws of k-means++ on the subsample.
        max_iter: Iterations on all the codes.
        tol: Stop once no centre moves farther than this share of the root mean square distance.
        random_state: Seed ≥ 0; the result is the same for any number of threads.
        n_threads: Threads; None for one per core.

    Attributes:
        cluster_centers_: Codes of the centres, shape (n_clusters, dim), float64.
        labels_: Cluster of each code, shape (points,).
        inertia_: Weighted sum of squared distances, in length².
        n_iter_: Iterations on all the codes.
        inertia_history_: Inertia before each of them, shape (n_iter_,).
        n_features_in_: Dimension of the codes.

    Source:
        Lou et al. (2020), algorithm 1, for the centres. https://arxiv.org/abs/2003.00335
    """

    cluster_centers_: NDArray[np.float64]
    labels_: NDArray[np.int32]
    inertia_: float
    n_iter_: int
    inertia_history_: NDArray[np.float64]

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        curvature: float = -1.0,
        n_init: int = 10,
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int = 0,
        n_threads: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.curvature = curvature
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_threads = n_threads

    def fit(
        self, codes: object, y: object = None, sample_weight: object = None
    ) -> "HyperbolicKMeans":
        """Find the clusters of codes.

        Args:
            codes: Tangent vectors at the origin, array-like, shape (points, dim).
            y: Ignored; there because pipelines pass it.
            sample_weight: Weights ≥ 0, not all 0, shape (points,); None for 1.

        Returns:
            This estimator, with its learned attributes.

        Raises:
            SettingsError: If a setting, a code or a weight is out of its range.
            ClusterCountError: If there are fewer distinct codes than clusters.
        """
        self._check()
        given = checked_codes(codes)
        whole, weights = self._scaled(given), checked_weights(sample_weight, len(given))
        weighed = whole if weights is None else whole[weights > 0]
        check_distinct(weighed, self.n_clusters)
        kept = None if weights is None else weights[weights > 0]
        middle = _mean(whole, weights)
        space = self._space(middle)
        with threads(self._threads()) as workers:
            centres = self._polished(space, weighed, kept, self._started(space, weighed, kept))
            order = np.lexsort([*centres.T[::-1], np.linalg.norm(centres, axis=1)])
            labels, squared = assign(space, whole, centres[order], workers)
        root = self._root()
        self._middle = middle
        self.n_features_in_ = given.shape[1]
        self.cluster_centers_ = centres[order] / root
        self.labels_ = labels
        self.inertia_ = float(squared.sum() if weights is None else weights @ squared) / root**2
        return self

    def predict(self, codes: object) -> Int[np.ndarray, " points"]:
        """Nearest cluster of each code, the first of equals.

        Args:
            codes: Tangent vectors at the origin, array-like, shape (points, dim).

        Returns:
            Labels, shape (points,).
        """
        return self._assigned(codes)[0]

    def transform(self, codes: object) -> Float[np.ndarray, "points clusters"]:
        """Distance of each code to each centre.

        Args:
            codes: Tangent vectors at the origin, array-like, shape (points, dim).

        Returns:
            Distances, shape (points, n_clusters), float64, in length.
        """
        given, centres, space = self._fitted(codes)
        return np.sqrt(squared_distances(space, given, centres).T) / self._root()

    def score(self, codes: object, y: object = None, sample_weight: object = None) -> float:
        """Minus the inertia of codes about the centres that were found: the larger the better.

        Args:
            codes: Tangent vectors at the origin, array-like, shape (points, dim).
            y: Ignored.
            sample_weight: Weights ≥ 0, not all 0, shape (points,); None for 1.

        Returns:
            Minus the weighted sum of squared distances to the nearest centres, in length².
        """
        squared = self._assigned(codes)[1]
        weights = checked_weights(sample_weight, len(squared))
        return -float(squared.sum() if weights is None else weights @ squared) / self._root() ** 2

    def fit_predict(
        self, codes: object, y: object = None, sample_weight: object = None
    ) -> Int[np.ndarray, " points"]:
        """`fit`, then the labels of the same codes, shape (points,)."""
        return self.fit(codes, y, sample_weight).labels_

    def fit_transform(
        self, codes: object, y: object = None, sample_weight: object = None
    ) -> Float[np.ndarray, "points clusters"]:
        """`fit`, then `transform` of the same codes, shape (points, n_clusters)."""
        return self.fit(codes, y, sample_weight).transform(codes)

    def _started(
        self, space: Space, codes: NDArray[np.floating], weights: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """The best of n_init runs on a subsample, shape (n_clusters, dim)."""
        generator = np.random.default_rng(self.random_state)
        some = codes
        some_weights = np.ones(len(codes)) if weights is None else weights
        if len(codes) > _SUBSAMPLE:
            drawn = generator.choice(len(codes), _SUBSAMPLE, replace=False)
            some, some_weights = codes[drawn], some_weights[drawn]
        some = some.astype(np.float64)
        best, least = np.empty(0), np.inf
        # One thread: a subsample is a handful of blocks.
        alone = Threads(1)
        lloyd = Lloyd(space, some, some_weights, alone)
        for _ in range(self.n_init):
            centres = plus_plus(space, some, some_weights, self.n_clusters, generator)
            for _ in range(_SUBSAMPLE_STEPS):
                step = lloyd.step(centres)
                moved = _moved(space, centres, step.centres)
                centres = step.centres
                if moved <= 1e-3 * (step.inertia / some_weights.sum()) ** 0.5:
                    break
            inertia = float(some_weights @ assign(space, some, centres, alone)[1])
            if inertia < least:
                best, least = centres, inertia
        return best

    def _polished(
        self,
        space: Space,
        codes: NDArray[np.floating],
        weights: NDArray[np.float64] | None,
        centres: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Centres after iterations on all the codes, shape (n_clusters, dim)."""
        total = len(codes) if weights is None else weights.sum()
        history = []
        with threads(self._threads()) as workers:
            lloyd = Lloyd(space, codes, weights, workers)
            for _ in range(self.max_iter):
                step = lloyd.step(centres)
                history.append(step.inertia / self._root() ** 2)
                moved = _moved(space, centres, step.centres)
                centres = step.centres
                if step.empty.any():
                    centres = _reseeded(space, codes, centres, step.empty, workers)
                elif moved <= self.tol * (step.inertia / total) ** 0.5:
                    break
        self.n_iter_ = len(history)
        self.inertia_history_ = np.array(history)
        return centres

    def _check(self) -> None:
        """Refuse settings out of their range.

        Raises:
            SettingsError: If one is.
        """
        if self.curvature > 0 or not np.isfinite(self.curvature):
            raise SettingsError(
                f"curvature must be negative, or 0 for flat space, and it is {self.curvature}."
            )
        for name, value in (
            ("n_clusters", self.n_clusters),
            ("n_init", self.n_init),
            ("max_iter", self.max_iter),
        ):
            if value < 1:
                raise SettingsError(f"{name} must be at least 1, and it is {value}.")

    def _root(self) -> float:
        """√−κ, or 1 in flat space, whose unit is free."""
        return (-self.curvature) ** 0.5 if self.curvature < 0 else 1.0

    def _space(self, middle: NDArray[np.float64]) -> Space:
        return HyperbolicSpace() if self.curvature < 0 else FlatSpace(middle)

    def _threads(self) -> int:
        return max(1, self.n_threads or cores())

    def _scaled(self, codes: NDArray[np.floating]) -> NDArray[np.floating]:
        """Codes in units of 1/√−κ, none beyond what float64 can lift, shape (points, dim)."""
        root = self._root()
        largest = root * max(float(codes.max()), -float(codes.min())) * codes.shape[1] ** 0.5
        scaled = codes if root == 1.0 else codes * codes.dtype.type(root)
        if self.curvature == 0 or largest <= FARTHEST:
            return scaled
        size = np.linalg.norm(scaled.astype(np.float64), axis=1, keepdims=True)
        shrink = FARTHEST / np.maximum(size, FARTHEST)
        return np.asarray(scaled * shrink.astype(codes.dtype))

    def _assigned(self, codes: object) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Labels of codes, and their squared distances in units of 1/√−κ, each (points,)."""
        given, centres, space = self._fitted(codes)
        with threads(self._threads()) as workers:
            return assign(space, given, centres, workers)

    def _fitted(self, codes: object) -> tuple[NDArray[np.floating], NDArray[np.float64], Space]:
        """Codes and centres in units of 1/√−κ, and their space.

        Raises:
            error: A NotFittedError, if `fit` was not called.
        """
        if "cluster_centers_" not in self.__dict__:
            error = not_fitted()
            raise error("clusters must be found before they are asked for. Call fit.")
        given = checked_codes(codes)
        self._must_fit(given.shape[1])
        return self._scaled(given), self.cluster_centers_ * self._root(), self._space(self._middle)


def _mean(codes: NDArray[np.floating], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Mean of the coordinates of codes (points, dim), shape (dim,)."""
    if weights is None:
        return np.asarray(codes.mean(axis=0, dtype=np.float64))
    return np.asarray(weights @ codes / weights.sum())


def check_distinct(codes: NDArray[np.floating], clusters: int) -> None:
    """Refuse more clusters than there are distinct codes.

    Args:
        codes: Tangent vectors at the origin, shape (points, dim).
        clusters: Number of clusters.

    Raises:
        ClusterCountError: If there are.
    """
    # Nearly always the first few codes are enough; only where they are not, all are sorted.
    size, distinct = 4 * clusters, 0
    while distinct < clusters:
        distinct = len(np.unique(codes[:size], axis=0))
        if size >= len(codes):
            break
        size *= 16
    if distinct < clusters:
        raise ClusterCountError(
            f"n_clusters must be at most the number of distinct codes, and it is {clusters} for "
            f"{distinct} distinct codes among {len(codes)}. Ask for fewer clusters."
        )


def _moved(space: Space, old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    """The farthest way that a centre went, of centres (clusters, dim)."""
    return float(np.sqrt(space.stable_squared_distance(old, new).max()))


def _reseeded(
    space: Space,
    codes: NDArray[np.floating],
    centres: NDArray[np.float64],
    empty: NDArray[np.bool_],
    workers: Threads,
) -> NDArray[np.float64]:
    """Centres (clusters, dim), those without points moved to the points worst served."""
    squared = assign(space, codes, centres[~empty], workers)[1]
    filled = centres.copy()
    filled[empty] = farthest(space, codes, squared, int(empty.sum()))
    return filled
