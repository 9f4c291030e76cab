"""The denoising network: a small 3-D U-Net without anything that looks at the whole."""

import itertools
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

_CONVOLUTIONS = 2  # of 3 x 3 x 3 voxels, at every scale, on the way down and on the way up


@final
class UNet(nn.Module):
    """From noisy voxels to what they would be without noise.

    There is no normalisation layer, whose statistics would depend on the size of a tile; and
    scales are left and entered by convolutions of 2 x 2 x 2, whose gradients, unlike those of
    pooling, are deterministic on a GPU.

    Args:
        channels: Filters at each scale, finest first.

    Source:
        Ronneberger, Fischer & Brox (2015), fig. 1, with padding and in three dimensions.
        https://arxiv.org/abs/1505.04597
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _block(before, after) for before, after in itertools.pairwise([1, *channels])
        )
        pairs = list(itertools.pairwise(channels))
        self.shrink = nn.ModuleList(nn.Conv3d(fine, fine, 2, stride=2) for fine, _ in pairs)
        self.grow = nn.ModuleList(
            nn.ConvTranspose3d(coarse, fine, 2, stride=2) for fine, coarse in pairs
        )
        self.up = nn.ModuleList(_block(2 * fine, fine) for fine, _ in pairs)
        self.head = nn.Conv3d(channels[0], 1, 1)
        # The network begins at the mean, a better guess than voxels that are mostly noise.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.get_parameter("bias"))

    @property
    def stride(self) -> int:
        """Side of the coarsest scale's voxels, in voxels; sides must be multiples of it."""
        return int(2 ** len(self.shrink))

    @property
    def halo(self) -> int:
        """Voxels around a tile that its values depend on, rounded up to whole strides."""
        deepest = len(self.shrink)
        radius = sum(
            _CONVOLUTIONS * 2**scale * (1 if scale == deepest else 2)
            for scale in range(deepest + 1)
        )
        # A voxel may lie anywhere in its coarsest one.
        reach = radius + self.stride - 1
        return int(-(-reach // self.stride) * self.stride)

    def forward(self, voxels: Float[Tensor, "batch 1 z y x"]) -> Float[Tensor, "batch 1 z y x"]:
        """Denoised voxels; beyond the faces there are zeros, the mean of a tomogram."""
        features = voxels.contiguous(memory_format=torch.channels_last_3d)
        kept = []
        for index, block in enumerate(self.down):
            features = block(features)
            if index < len(self.shrink):
                kept.append(features)
                features = self.shrink[index](features)
        for grow, block, fine in zip(
            reversed(self.grow), reversed(self.up), reversed(kept), strict=True
        ):
            features = block(torch.cat([grow(features), fine], dim=1))
        found: Tensor = self.head(features)
        return found


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv3d(after, after, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
    )
