"""Smallest, largest, mean and spread of voxels that come piece by piece."""

from typing import final

import numpy as np
from jaxtyping import Shaped


@final
class RunningStatistics:
    """What the finite voxels among all pieces so far have in common; nothing else is kept."""

    def __init__(self) -> None:
        self.minimum = 0.0
        self.maximum = 0.0
        self.mean = 0.0
        self.finite = 0
        self.not_finite = 0
        self._squares = 0.0  # sum of squared differences from the mean

    @property
    def deviation(self) -> float:
        """Standard deviation over all finite voxels."""
        return float((self._squares / self.finite) ** 0.5) if self.finite else 0.0

    def add(self, voxels: Shaped[np.ndarray, "..."]) -> None:
        """Take one more piece into account.

        Source:
            Chan, Golub & LeVeque (1983), eq. 2.1: means and squares of two pieces are joined, so
            that nothing cancels.
        """
        values = voxels[np.isfinite(voxels)] if voxels.dtype.kind == "f" else voxels
        self.not_finite += voxels.size - values.size
        if values.size == 0:
            return
        low, high = float(values.min()), float(values.max())
        mean = float(values.mean(dtype=np.float64))
        squares = float(values.var(dtype=np.float64)) * values.size
        self.minimum = min(self.minimum, low) if self.finite else low
        self.maximum = max(self.maximum, high) if self.finite else high
        total = self.finite + values.size
        gap = mean - self.mean
        self._squares += squares + gap * gap * self.finite * values.size / total
        self.mean += gap * values.size / total
        self.finite = total
