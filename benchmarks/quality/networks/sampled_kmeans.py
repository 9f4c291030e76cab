"""k-means of so many points that the centres are found from some of them."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

_SOME = 20_000


def kmeans_of_some(points: NDArray[np.floating], k: int, seed: int, most: int = _SOME) -> KMeans:
    """k-means that was fitted to so many of the points (points, features), or to all of fewer."""
    chance = np.random.default_rng(seed)
    if len(points) > most:
        points = points[chance.choice(len(points), most, replace=False)]
    return KMeans(k, n_init=3, random_state=seed).fit(points)
