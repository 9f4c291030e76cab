"""The 3-D U-Net: a contracting and an expanding path, joined at every resolution."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.quality.networks.crops import cut_to


class UNet3d(nn.Module):
    """The 3-D U-Net, of any width, over volumes of any shape.

    Two convolutions of 3 x 3 x 3 at every resolution, each followed by normalisation and ReLU; the
    number of channels doubles in the second one, before the pooling, so that no bottleneck arises.
    Going up, a transposed convolution keeps the number of channels, the skipped features are joined
    to it, and two convolutions follow.

    As published with a batch of one, and statistics of that batch in tests too: so each volume is
    normalised by its own mean and variance, and instance normalisation says the same of any batch.
    Convolutions are padded, where the published ones are not: a volume keeps its rim. Odd sides are
    halved upwards, and cut to fit on the way back.

    Args:
        in_channels: Channels of the images.
        out_channels: Channels of the output, of which nothing is taken: logits.
        width: Channels after the first convolution, 32 as published.
        resolutions: How many, 4 as published.

    Source:
        Çiçek, Abdulkadir, Lienkamp, Brox & Ronneberger (2016), section 2.
        https://arxiv.org/abs/1606.06650
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, width: int, resolutions: int = 4
    ) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        channels = in_channels
        for step in range(resolutions):
            first = width * 2**step
            self.down.append(_two_convolutions(channels, first, 2 * first))
            channels = 2 * first
        self.enlarge, self.up = nn.ModuleList(), nn.ModuleList()
        for step in reversed(range(resolutions - 1)):
            skipped = 2 * width * 2**step
            self.enlarge.append(nn.ConvTranspose3d(channels, channels, 2, stride=2))
            self.up.append(_two_convolutions(channels + skipped, skipped, skipped))
            channels = skipped
        self.last = nn.Conv3d(channels, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (batch, out channels, z, y, x) of images (batch, in channels, z, y, x)."""
        features = image
        skipped: list[Tensor] = []
        for step, convolve in enumerate(self.down):
            if step:
                skipped.append(features)
                features = functional.max_pool3d(features, 2, ceil_mode=True)
            features = convolve(features)
        for enlarge, convolve in zip(self.enlarge, self.up, strict=True):
            finer = skipped.pop()
            larger = cut_to(enlarge(features), finer.shape[2:])
            features = convolve(torch.cat([larger, finer], 1))
        return self.last(features)


def _two_convolutions(channels: int, first: int, second: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels, first, 3, padding=1, bias=False),
        nn.InstanceNorm3d(first, affine=True),
        nn.ReLU(inplace=True),
        nn.Conv3d(first, second, 3, padding=1, bias=False),
        nn.InstanceNorm3d(second, affine=True),
        nn.ReLU(inplace=True),
    )
