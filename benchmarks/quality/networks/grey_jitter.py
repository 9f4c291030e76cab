"""Random changes of grey values that leave in place what is where."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class GreyJitter:
    """Another contrast and brightness for every crop and channel, and noise for every voxel.

    Grey values are normalised: their standard deviation over the volume is 1.

    Args:
        contrast: Factors are 1 - contrast to 1 + contrast.
        brightness: Summands are -brightness to +brightness.
        noise: Standard deviation of the Gaussian noise.
    """

    contrast: float = 0.1
    brightness: float = 0.1
    noise: float = 0.1

    def of(self, crops: torch.Tensor) -> torch.Tensor:
        """Changed crops, shape (batch, channels, z, y, x), drawn from PyTorch's generator."""
        one_each = (*crops.shape[:2], 1, 1, 1)
        factor = 1 + self.contrast * self._even(one_each, crops)
        summand = self.brightness * self._even(one_each, crops)
        return crops * factor + summand + self.noise * torch.randn_like(crops)

    @staticmethod
    def _even(shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
        """Uniform numbers from -1 to 1."""
        return torch.rand(shape, device=like.device, dtype=like.dtype) * 2 - 1
