"""Settings of the segmentation."""

import math
from dataclasses import dataclass

from gyrovox.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings:
    """How codes become classes."""

    smoothing: float = 0.4
    """Weight of the total variation that smooths the map of codes before it is clustered, in
    standard deviations of its most spread coordinate; 0 clusters the codes as they are."""

    def __post_init__(self) -> None:
        """Refuse values that nothing can be smoothed with.

        Raises:
            SettingsError: If the weight is negative or not a number.
        """
        if not 0 <= self.smoothing < math.inf:
            raise SettingsError(
                f"segmentation.smoothing must be 0 (none) or positive, got {self.smoothing:g}."
            )
