"""k-means of some points labels all of them."""

import numpy as np
from benchmarks.quality.networks.sampled_kmeans import kmeans_of_some
from sklearn.metrics import adjusted_rand_score


def test_it_finds_clusters_of_more_points_than_it_looks_at():
    chance = np.random.default_rng(0)
    truth = chance.integers(3, size=25_000)
    points = (10 * truth[:, None] + chance.standard_normal((25_000, 2))).astype(np.float32)
    found = kmeans_of_some(points, 3, 0)
    assert adjusted_rand_score(truth, found.predict(points)) > 0.99
    assert len(found.labels_) == 20_000
