"""The decoder of latent volumes: from a small volume of codes to the patch that it stands for."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.geometry import Manifold
from gyrovox.nn import plane_conv3d
from gyrovox.settings import ModelSettings


@final
class VolumeDecoder(nn.Module):
    """A gyroplane convolution over the codes, then up-convolutions to the voxels between them.

    The gyroplane convolution has a kernel of 3 and keeps the sides of the volume: around it lie
    codes of the origin. An up-convolution whose kernel and stride are the spacing gives every code
    a cube of voxels with the code's own in the middle; more that keep the sides follow.

    Args:
        manifold: Where the codes live.
        settings: What the network is.
        out_channels: Channels of what is rebuilt.

    Source:
        Hsu et al. (2021), equation 7, for a decoder that begins with a gyroplane convolution.
        https://arxiv.org/abs/2012.01644
    """

    def __init__(self, manifold: Manifold, settings: ModelSettings, out_channels: int) -> None:
        super().__init__()
        dim, hidden, spacing = settings.latent_dim, settings.hidden, settings.latent_spacing
        self.planes: nn.Conv3d = (
            nn.Conv3d(dim, hidden, 3, padding=1)
            if settings.first_layer == "tangent"
            else plane_conv3d(
                manifold, dim, hidden, 3, padding=1, dim=dim, meaning=settings.gyroplane_window
            )
        )
        self.up = _up_convolutions(hidden, spacing, settings.decoder_channels, out_channels)

    def forward(
        self, codes: Float[Tensor, "batch z y x dim"]
    ) -> Float[Tensor, "batch channels Z Y X"]:
        """Patches, shape ``(batch, out_channels, spacing * z, spacing * y, spacing * x)``."""
        features = self.planes(codes.movedim(-1, 1))
        # Measured a third faster on a CPU than channels first, forward and backward.
        return torch.as_tensor(self.up(features.contiguous(memory_format=torch.channels_last_3d)))


def _up_convolutions(
    hidden: int, spacing: int, channels: Sequence[int], out_channels: int
) -> nn.Sequential:
    """From features of the codes to the parameters of the voxels."""
    first = nn.ConvTranspose3d(hidden, channels[0], spacing, stride=spacing)
    layers: list[nn.Module] = [nn.ReLU(), first]
    for before, after in zip(channels, [*channels[1:], out_channels], strict=True):
        # Not nn.Conv3d, the same function: for few outputs its backward takes four times as long.
        layers += [nn.ReLU(), nn.ConvTranspose3d(before, after, 3, padding=1)]
    return nn.Sequential(*layers)
