"""An encoder of patches that encodes a whole volume the same way, voxel by voxel."""

import torch
from torch import nn


class PatchEncoder(nn.Module):
    """Unpadded convolutions: one patch becomes one code, a volume the codes of all its patches.

    No strides, so that what is learned on patches holds at every voxel of a volume.

    Args:
        channels: Of the voxels.
        widths: Features after each convolution; the last are the code.
        kernel: Voxels of every kernel (z, y, x); (1, 3, 3) sees single slices.
        dilations: Of each convolution, along the axes where the kernel is more than 1; all 1 if
            None.
        batch_norm: Whether all but the last convolution are followed by batch normalisation.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, ...] = (16, 32, 32, 32),
        *,
        kernel: tuple[int, int, int] = (3, 3, 3),
        dilations: tuple[int, ...] | None = None,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        dilations = dilations or (1,) * len(widths)
        layers: list[nn.Module] = []
        for width, dilation in zip(widths, dilations, strict=True):
            if layers:
                layers += [nn.BatchNorm3d(channels)] if batch_norm else []
                layers.append(nn.ReLU())
            layers.append(nn.Conv3d(channels, width, kernel, dilation=dilation))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.features = widths[-1]
        reach = sum(dilations)
        self.field = tuple(1 + (side - 1) * reach for side in kernel)
        """Voxels of the patch that one code sees (z, y, x)."""

    def forward(self, voxels: torch.Tensor) -> torch.Tensor:
        """Codes (batch, features, z', y', x') of voxels (batch, channels, z, y, x)."""
        return self.layers(voxels)

    def codes_of_patches(self, patches: torch.Tensor) -> torch.Tensor:
        """Codes (batch, features) of patches that are as large as the field."""
        return self.layers(patches).flatten(1)
