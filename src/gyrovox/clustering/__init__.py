"""Grouping codes into classes."""

from gyrovox.clustering.cleaning import clean_labels as clean_labels
from gyrovox.clustering.kmeans import HyperbolicKMeans as HyperbolicKMeans
from gyrovox.clustering.kmeans import check_distinct as check_distinct
from gyrovox.clustering.segmentation_tree import Cut as Cut
from gyrovox.clustering.segmentation_tree import SegmentationTree as SegmentationTree
from gyrovox.clustering.smoothing import smooth_codes as smooth_codes
from gyrovox.clustering.tree_building import build_tree as build_tree
