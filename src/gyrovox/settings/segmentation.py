"""Settings of the segmentation."""

import math
from dataclasses import dataclass
from typing import Literal

from gyrovox.errors import SettingsError

Clustering = Literal["tree", "kmeans"]
Evidence = Literal["texture", "intensity", "codes"]

MOST_REGIONS = 2**16 - 1
"""Leaves that a tree may have: label files hold as many, and 0."""


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """How codes become classes."""

    clustering: Clustering = "tree"
    """`tree`: every level is a cut of one tree of regions, so levels are nested. `kmeans`: every
    level is a clustering of its own, as published."""

    evidence: Evidence = "texture"
    """What the tree tells regions apart by: denoised `intensity` alone, with the local `texture`
    too, or with the learned `codes`. Used by `tree` only."""

    regions: int = 1024
    """Regions that the tree begins with, at most; no level has more classes. Used by `tree`
    only."""

    smoothing: float = 0.4
    """Weight of the total variation that smooths the map of codes before it is clustered, in
    standard deviations of its most spread coordinate; 0 clusters the codes as they are. Used by
    `kmeans` only."""

    def __post_init__(self) -> None:
        """Refuse values that nothing can be segmented with.

        Raises:
            SettingsError: If the weight is negative or not a number, or there are too few or too
                many regions.
        """
        if not 2 <= self.regions <= MOST_REGIONS:
            raise SettingsError(
                f"segmentation.regions must be from 2 to {MOST_REGIONS}, got {self.regions}."
            )
        if not 0 <= self.smoothing < math.inf:
            raise SettingsError(
                f"segmentation.smoothing must be 0 (none) or positive, got {self.smoothing:g}."
            )
