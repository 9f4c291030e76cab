"""Grouping codes into classes."""

from gyrovox.clustering.kmeans import HyperbolicKMeans as HyperbolicKMeans
