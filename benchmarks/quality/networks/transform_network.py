"""The network of VoxelMorph: a field over the voxels, from two images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.2  # of leaky ReLU below 0, as published


class TransformNetwork(nn.Module):
    """How one image has to change to become another: a U-Net of strided convolutions.

    Starts at almost no change.

    Args:
        channels: Of each image.
        components: Of the field: 3 for a velocity, as many as channels for an appearance.
        widths: Channels at each resolution, fine to coarse; 16, 32, 32, 32, 32 as published.

    Source:
        Balakrishnan, Zhao, Sabuncu, Guttag & Dalca (2019), figure 3.
        https://arxiv.org/abs/1809.05231
    """

    def __init__(self, channels: int, components: int, *, widths: Sequence[int]) -> None:
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before = 2 * channels
        for step, width in enumerate(widths):
            self.down.append(nn.Conv3d(before, width, 3, stride=2 if step else 1, padding=1))
            before = width
        for width in reversed(widths[:-1]):
            self.up.append(nn.Conv3d(before + width, width, 3, padding=1))
            before = width
        self.last = nn.Conv3d(before, components, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-5)
        nn.init.zeros_(self.last.bias)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Field (batch, components, z, y, x) of images (batch, channels, z, y, x)."""
        features = torch.cat([source, target], 1)
        found: list[Tensor] = []
        for convolve in self.down:
            features = functional.leaky_relu(convolve(features), _SLOPE)
            found.append(features)
        found.pop()
        for convolve in self.up:
            finer = found.pop()
            larger = functional.interpolate(features, size=finer.shape[2:], mode="nearest")
            joined = torch.cat([larger, finer], 1)
            features = functional.leaky_relu(convolve(joined), _SLOPE)
        return self.last(features)
