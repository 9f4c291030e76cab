"""A decoder that mirrors an encoder of patches."""

import itertools

import torch
from torch import nn


class PatchDecoder(nn.Module):
    """Transposed convolutions from one code back to the patch it was made from.

    Args:
        channels: Of the voxels.
        widths: Of the encoder's convolutions, first to last; each had a kernel of 3^3 voxels.
    """

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        backwards = [*reversed(widths), channels]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(backwards):
            layers += [nn.ConvTranspose3d(before, after, 3), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Patches (batch, channels, z, y, x) of codes (batch, features)."""
        return self.layers(codes[:, :, None, None, None])
