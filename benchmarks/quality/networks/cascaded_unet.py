"""Two U-Nets in a row: the second sees the image and what the first made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.quality.networks.levels import softmax_by_level
from benchmarks.quality.networks.residual_unet import ResidualDecoder, ResidualEncoder

BLOCKS = (1, 2, 2, 4)
"""Residual blocks at each resolution, fine to coarse."""


@dataclass(frozen=True)
class CascadeOutput:
    """Probabilities of every level, each (batch, sum of the levels, z, y, x)."""

    coarse: Tensor
    """Of the first stage."""

    fine: Tensor
    """Of the second stage, by the decoder of deconvolutions: the result."""

    regulariser: Tensor | None
    """Of the second stage, by the decoder of interpolations; None but in training."""


class CascadedUNet(nn.Module):
    """A narrow U-Net, then one of twice the width with two decoders on one encoder.

    Args:
        in_channels: Of the images.
        levels: Numbers of classes; each has a softmax.
        width: Channels of the first stage at the full resolution, 16 as published.

    Source:
        Jiang, Ding, Liu & Tao (2020), section 2.
        https://doi.org/10.1007/978-3-030-46640-4_22
    """

    def __init__(self, in_channels: int, levels: Sequence[int], *, width: int) -> None:
        super().__init__()
        self.levels = tuple(levels)
        outputs, depth = sum(levels), len(BLOCKS)
        self.first_encoder = ResidualEncoder(in_channels, width=width, blocks=BLOCKS)
        self.first_decoder = ResidualDecoder(
            outputs, width=width, resolutions=depth, enlarging="deconvolution"
        )
        self.second_encoder = ResidualEncoder(in_channels + outputs, width=2 * width, blocks=BLOCKS)
        self.second_decoder = ResidualDecoder(
            outputs, width=2 * width, resolutions=depth, enlarging="deconvolution"
        )
        self.regulariser = ResidualDecoder(
            outputs, width=2 * width, resolutions=depth, enlarging="interpolation"
        )

    def forward(self, image: Tensor) -> CascadeOutput:
        """Both stages' probabilities of images (batch, channels, z, y, x)."""
        coarse = softmax_by_level(self.first_decoder(self.first_encoder(image)), self.levels)
        features = self.second_encoder(torch.cat([image, coarse], 1))
        fine = softmax_by_level(self.second_decoder(features), self.levels)
        extra = None
        if self.training:
            extra = softmax_by_level(self.regulariser(features), self.levels)
        return CascadeOutput(coarse, fine, extra)
