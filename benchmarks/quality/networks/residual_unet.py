"""Encoder and decoder of residual blocks, as of the U-Net that won BraTS 2018."""

from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional

from benchmarks.quality.networks.crops import cut_to

Enlarging = Literal["deconvolution", "interpolation"]

_GROUPS = 8  # as published, or as many as there are channels
_DROPPED = 0.2  # as published


class ResidualBlock(nn.Module):
    """Normalisation of groups, ReLU, convolution, twice; added to what came in.

    Args:
        channels: In and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.GroupNorm(min(_GROUPS, channels), channels),
                nn.ReLU(inplace=False),
                nn.Conv3d(channels, channels, 3, padding=1, bias=False),
            ]
        self.change = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        return features + self.change(features)


class ResidualEncoder(nn.Module):
    """Features at every resolution; channels double where the sides halve.

    Args:
        in_channels: Of the image.
        width: Channels at the full resolution.
        blocks: Residual blocks at each resolution, fine to coarse; 1, 2, 2, 4 as published.

    Source:
        Myronenko (2018), table 1. https://arxiv.org/abs/1810.11654
    """

    def __init__(self, in_channels: int, *, width: int, blocks: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv3d(in_channels, width, 3, padding=1, bias=False)
        self.halve, self.blocks = nn.ModuleList(), nn.ModuleList()
        for step, count in enumerate(blocks):
            channels = width * 2**step
            if step:
                self.halve.append(
                    nn.Conv3d(channels // 2, channels, 3, stride=2, padding=1, bias=False)
                )
            self.blocks.append(nn.Sequential(*(ResidualBlock(channels) for _ in range(count))))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features, fine to coarse, of an image; odd sides are halved upwards."""
        features = functional.dropout3d(self.first(image), _DROPPED, self.training)
        found = [self.blocks[0](features)]
        for halve, blocks in zip(self.halve, self.blocks[1:], strict=True):
            found.append(blocks(halve(found[-1])))
        return found


class ResidualDecoder(nn.Module):
    """Logits at the full resolution from the features of an encoder.

    Args:
        out_channels: Of the logits.
        width: Channels at the full resolution.
        resolutions: As many as the encoder's.
        enlarging: How sides are doubled: a transposed convolution, or a convolution of 1 voxel and
            trilinear interpolation.

    Raises:
        ValueError: If there is no such way to enlarge.
    """

    def __init__(
        self, out_channels: int, *, width: int, resolutions: int, enlarging: Enlarging
    ) -> None:
        super().__init__()
        if enlarging not in get_args(Enlarging):
            raise ValueError(
                f"enlarging must be one of {', '.join(get_args(Enlarging))}, got {enlarging!r}."
            )
        self.enlarge, self.blocks = nn.ModuleList(), nn.ModuleList()
        for step in reversed(range(resolutions - 1)):
            channels = width * 2**step
            self.enlarge.append(_enlarging(channels, enlarging))
            self.blocks.append(ResidualBlock(channels))
        self.last = nn.Conv3d(width, out_channels, 1)

    def forward(self, found: Sequence[Tensor]) -> Tensor:
        """Logits (batch, out channels, z, y, x) of features, fine to coarse."""
        *finer, features = found
        for enlarge, block in zip(self.enlarge, self.blocks, strict=True):
            skipped = finer.pop()
            features = block(cut_to(enlarge(features), skipped.shape[2:]) + skipped)
        return self.last(features)


def _enlarging(channels: int, enlarging: Enlarging) -> nn.Module:
    """Half the channels, twice the sides."""
    if enlarging == "deconvolution":
        return nn.ConvTranspose3d(2 * channels, channels, 2, stride=2, bias=False)
    return nn.Sequential(
        nn.Conv3d(2 * channels, channels, 1, bias=False),
        nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False),
    )
