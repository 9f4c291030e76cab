"""Affinities of clusters are their definition's, after any number of merges."""

import numpy as np
import pytest
from benchmarks.quality.networks.graph_degree_linkage import Linkage, neighbour_weights
from sklearn.cluster import KMeans
from sklearn.datasets import make_circles
from sklearn.metrics import adjusted_rand_score


def affinities_by_definition(weights, labels):
    count = labels.max() + 1
    found = np.full((count, count), -np.inf)
    for a in range(count):
        for b in range(count):
            if a != b:
                ab = weights[np.ix_(labels == a, labels == b)]
                ba = weights[np.ix_(labels == b, labels == a)]
                found[a, b] = (ab @ ba).sum() / len(ab) ** 2 + (ba @ ab).sum() / len(ba) ** 2
    return found


@pytest.fixture
def graph():
    chance = np.random.default_rng(0)
    points = chance.standard_normal((60, 3)).astype(np.float32)
    labels = KMeans(15, n_init=1, random_state=0).fit_predict(points)
    return neighbour_weights(points, neighbours=8), labels


def test_weights_are_of_neighbours_only_and_on_the_scale_of_their_distances():
    points = np.array([[0.0], [1.0], [3.0]], np.float32)
    # Nearest neighbours 1, 0, 1 at squared distances 1, 1, 4: their mean is 2.
    expected = np.zeros((3, 3))
    expected[0, 1] = expected[1, 0] = np.exp(-1 / 2)
    expected[2, 1] = np.exp(-4 / 2)
    np.testing.assert_allclose(neighbour_weights(points, neighbours=1), expected, rtol=1e-6)


@pytest.mark.parametrize("merges", [0, 1, 6, 13])
def test_affinities_are_their_definition(graph, merges):
    weights, labels = graph
    linkage = Linkage(weights, labels)
    for _ in range(merges):
        linkage.merge()
    assert linkage.clusters == 15 - merges
    assert set(linkage.labels) == set(range(15 - merges))
    expected = affinities_by_definition(weights.astype(float), linkage.labels)
    np.testing.assert_allclose(linkage.affinities(), expected, rtol=1e-4, atol=1e-7)


def test_without_local_weight_the_closest_two_are_joined(graph):
    weights, labels = graph
    linkage = Linkage(weights, labels)
    a, b = np.unravel_index(linkage.affinities().argmax(), (15, 15))
    linkage.merge(local_weight=0.0)
    assert len(np.unique(linkage.labels[(labels == a) | (labels == b)])) == 1


def test_it_joins_clusters_and_splits_none(graph):
    weights, labels = graph
    linkage = Linkage(weights, labels)
    for _ in range(10):
        linkage.merge()
    for cluster in range(15):
        assert len(np.unique(linkage.labels[labels == cluster])) == 1


def test_nearest_clusters_come_in_order(graph):
    linkage = Linkage(*graph)
    affinity = np.take_along_axis(linkage.affinities(), linkage.nearest(4), 1)
    assert affinity.shape == (15, 4)
    assert (np.diff(affinity, axis=1) <= 0).all()
    np.testing.assert_allclose(affinity[:, 0], linkage.affinities().max(1))


def test_it_follows_rings_that_kmeans_cuts():
    points, truth = make_circles(400, noise=0.04, factor=0.4, random_state=0)
    points = points.astype(np.float32)
    labels = KMeans(60, n_init=1, random_state=0).fit_predict(points)
    linkage = Linkage(neighbour_weights(points, neighbours=10), labels)
    while linkage.clusters > 2:
        linkage.merge(local_weight=0.0)
    assert adjusted_rand_score(truth, linkage.labels) == 1
    assert adjusted_rand_score(truth, KMeans(2, random_state=0).fit_predict(points)) < 0.1
