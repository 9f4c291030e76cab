"""The network: a residual backbone, a feature pyramid, and two subnets that read every level."""

import math
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.particles.detector.anchors import anchor_boxes
from gyrovox.particles.detector.settings import DetectorSettings

_PRIOR = 0.01  # share of anchors that the untrained network takes for something
_OFFSETS = 6


@final
class RetinaNet(nn.Module):
    """Scores and boxes of the anchors around every cell of a feature pyramid, in 3-D.

    Args:
        settings: What it is.

    Source:
        Lin et al. (2017), Focal loss for dense object detection. https://arxiv.org/abs/1708.02002
    """

    def __init__(self, settings: DetectorSettings) -> None:
        super().__init__()
        self.settings = settings
        widths, width = settings.stages, settings.pyramid_channels
        levels = len(settings.anchors_nm)
        self.stages = nn.ModuleList(
            nn.Sequential(
                _convolution(before, after, stride=2),
                # The first stage has most voxels: a block there would cost more than all else.
                ResidualBlock(after) if number else nn.Identity(),
            )
            for number, (before, after) in enumerate(zip((1, *widths[:-1]), widths, strict=True))
        )
        self.sideways = nn.ModuleList(
            nn.Conv3d(channels, width, kernel_size=1) for channels in widths[-levels:]
        )
        self.smooth = nn.ModuleList(
            nn.Conv3d(width, width, kernel_size=3, padding=1) for _ in range(levels)
        )
        each = len(settings.anchors_nm[0])
        self.class_subnet = _subnet(width, each * len(settings.classes))
        self.box_subnet = _subnet(width, each * _OFFSETS)
        # At first all is background, or the many easy anchors would shake what is learned.
        last = self.class_subnet[-1]
        nn.init.constant_(last.bias, -math.log((1 - _PRIOR) / _PRIOR))  # type: ignore[arg-type]

    @property
    def stride(self) -> int:
        """Voxels whose multiples tiles begin at, so that their cells are those of the whole."""
        return max(self.settings.strides)

    @property
    def reach(self) -> int:
        """Voxels around a tile, a multiple of the stride, beyond which none moves what it says."""
        # Of each stage: a strided convolution reads a fine cell to either side, its block two of
        # its own. Of the coarsest level: smoothing, and the subnets' three convolutions.
        blocks = sum(2 * 2 ** (stage + 1) for stage in range(1, len(self.stages)))
        backbone = blocks + sum(2**stage for stage in range(len(self.stages)))
        return int(self.stride * math.ceil(backbone / self.stride + 4))

    def forward(
        self, voxels: Float[Tensor, "batch 1 z y x"]
    ) -> tuple[Float[Tensor, "batch anchors classes"], Float[Tensor, "batch anchors 6"]]:
        features, kept = voxels, []
        for stage in self.stages:
            features = stage(features)
            kept.append(features)
        scores, offsets = [], []
        for level in self._pyramid(kept[-len(self.sideways) :]):
            scores.append(_by_anchor(self.class_subnet(level), len(self.settings.classes)))
            offsets.append(_by_anchor(self.box_subnet(level), _OFFSETS))
        return torch.cat(scores, dim=1), torch.cat(offsets, dim=1)

    def anchors(self, shape: tuple[int, int, int]) -> tuple[Float[Tensor, "anchors 6"], Tensor]:
        """The anchors that the network speaks of, in its order.

        Args:
            shape: Voxels (z, y, x) of what it reads, multiples of `stride`.

        Returns:
            The boxes, shape ``(anchors, 6)``, in voxels; and the number of each one's size, shape
            ``(anchors,)``.
        """
        boxes, sizes, seen = [], [], 0
        for stride, diameters in zip(self.settings.strides, self.settings.anchors, strict=True):
            z, y, x = (count // stride for count in shape)
            boxes.append(anchor_boxes((z, y, x), stride=stride, diameters=diameters))
            sizes.append(torch.arange(len(diameters)).repeat(z * y * x) + seen)
            seen += len(diameters)
        return torch.cat(boxes), torch.cat(sizes)

    def _pyramid(self, kept: Sequence[Tensor]) -> list[Tensor]:
        """Every level with what the coarser ones know, finest first."""
        levels = [side(features) for side, features in zip(self.sideways, kept, strict=True)]
        for finer in range(len(levels) - 2, -1, -1):
            levels[finer] = levels[finer] + nn.functional.interpolate(
                levels[finer + 1], scale_factor=2.0, mode="nearest"
            )
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]


@final
class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to what they read.

    Args:
        channels: Channels in and out.

    Source:
        He et al. (2016), fig. 2. https://arxiv.org/abs/1512.03385
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv3d(channels, channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm3d(channels),
        )
        # At first the block is the identity.
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]

    def forward(
        self, features: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch channels z y x"]:
        return nn.functional.relu(features + self.second(self.first(features)))


def _convolution(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    # Statistics of a batch, not of an image or a group of channels: those would differ from tile
    # to tile, and so what is found.
    return nn.Sequential(
        nn.Conv3d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(after),
        nn.ReLU(),
    )


def _subnet(width: int, outputs: int) -> nn.Sequential:
    """Two convolutions and a last one, the same at every level."""
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [nn.Conv3d(width, width, kernel_size=3, padding=1), nn.ReLU()]
    last = nn.Conv3d(width, outputs, kernel_size=3, padding=1)
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers, last)


def _by_anchor(
    maps: Float[Tensor, "batch maps z y x"], each: int
) -> Float[Tensor, "batch anchors each"]:
    """Maps of cells as rows of anchors: cells in order, the anchors of one together."""
    return maps.movedim(1, -1).reshape(maps.shape[0], -1, each)
