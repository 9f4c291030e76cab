"""Grouping codes into classes."""

from gyrovox.clustering.kmeans import HyperbolicKMeans as HyperbolicKMeans
from gyrovox.clustering.kmeans import check_distinct as check_distinct
from gyrovox.clustering.smoothing import smooth_codes as smooth_codes
