"""Settings of the denoising network."""

import math
from dataclasses import dataclass

from gyrovox.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Noise2NoiseSettings:
    """The denoising network, and how it learns from two halves of a tilt series."""

    channels: tuple[int, ...] = (8, 16, 32)
    """Filters at each scale, finest first; each scale halves the sides."""

    steps: int = 400
    """Number of updates."""

    learning_rate: float = 5e-3
    """Highest learning rate of Adam; it warms up and decays along a cosine."""

    batch_size: int = 4
    """Pairs of crops that a step learns from."""

    crop_size: int = 24
    """Side of a crop, in voxels; a multiple of 2 for each scale below the finest."""

    def __post_init__(self) -> None:
        """Refuse values that no training can use.

        Raises:
            SettingsError: If a value is out of its range.
        """
        if not self.channels or min(self.channels) < 1:
            raise SettingsError(
                f"n2n.channels must have at least 1 filter at every scale, got {self.channels}."
            )
        for name, value in (("steps", self.steps), ("batch_size", self.batch_size)):
            if value < 1:
                raise SettingsError(f"n2n.{name} must be at least 1, got {value}.")
        if not 0 < self.learning_rate < math.inf:
            raise SettingsError(f"n2n.learning_rate must be positive, got {self.learning_rate:g}.")
        if self.crop_size < self.stride or self.crop_size % self.stride:
            raise SettingsError(
                f"n2n.crop_size must be a multiple of {self.stride}, the coarsest voxel of "
                f"n2n.channels, got {self.crop_size}."
            )

    @property
    def stride(self) -> int:
        """Side of the coarsest scale's voxels, in voxels."""
        return int(2 ** (len(self.channels) - 1))
