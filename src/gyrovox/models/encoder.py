"""Encoders: from a patch to the posterior of its code."""

import itertools
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.models.posterior import Posterior, positive

# Posteriors start narrow, so that the decoder learns what the codes say before the noise drowns it.
_START_RAW_SCALE = -2.0


@final
class DenseEncoder(nn.Module):
    """Unpadded 3 x 3 x 3 convolutions: a code for every voxel that has a whole patch around it.

    Because nothing is padded, the code of a voxel is the same whether the network runs over its
    patch or over the whole volume.

    Args:
        in_channels: Channels of the volume.
        channels: Filters of each convolution.
        dilations: Spacing of the taps of each convolution, in voxels.
        dim: Dimension of a code.
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int], dilations: Sequence[int], dim: int
    ) -> None:
        super().__init__()
        widths = itertools.pairwise([in_channels, *channels])
        self.convolutions = nn.ModuleList(
            nn.Conv3d(before, after, 3, dilation=dilation)
            for (before, after), dilation in zip(widths, dilations, strict=True)
        )
        self.dilations = tuple(dilations)
        self.head = nn.Conv3d(channels[-1], dim + 1, 1)
        nn.init.constant_(_bias(self.head)[dim:], _START_RAW_SCALE)

    @property
    def patch_size(self) -> int:
        """Side of the patch that one code is made from, in voxels of its scale."""
        return 1 + 2 * sum(self.dilations)

    def forward(
        self, voxels: Float[Tensor, "batch channels Z Y X"], *, scale: int = 1
    ) -> Posterior:
        """Posteriors of all patches.

        Args:
            voxels: Shape ``(batch, channels, Z, Y, X)``.
            scale: Spacing of the voxels that the network reads. On the sliding mean of cubes of
                ``scale`` voxels this gives the codes of patches ``scale`` times the size.

        Returns:
            Means ``(batch, z, y, x, dim)`` and scales ``(batch, z, y, x, 1)``; the axes are shorter
            by ``(patch_size - 1) * scale``.
        """
        codes = self._read_off(self._features(voxels, scale))
        mean_code, raw_scale = codes.tensor_split([-1], dim=-1)
        return Posterior(mean_code, positive(raw_scale))

    def mean_codes(
        self, voxels: Float[Tensor, "batch channels Z Y X"], *, scale: int = 1
    ) -> Float[Tensor, "batch z y x dim"]:
        """Means of the posteriors alone; arguments and shape as of `forward`."""
        return self._read_off(self._features(voxels, scale), self.head.out_channels - 1)

    def _features(
        self, voxels: Float[Tensor, "batch channels Z Y X"], scale: int
    ) -> Float[Tensor, "batch filters z y x"]:
        # Measured 1.2 to 1.4 times as fast on a CPU as channels first; the weights follow.
        features = voxels.contiguous(memory_format=torch.channels_last_3d)
        for convolution, dilation in zip(self.convolutions, self.dilations, strict=True):
            features = _convolved(
                features,
                convolution.get_parameter("weight"),
                convolution.get_parameter("bias"),
                dilation * scale,
            )
            features = nn.functional.leaky_relu(features, 0.1, inplace=True)
        return features

    def _read_off(
        self, features: Float[Tensor, "batch filters z y x"], outputs: int | None = None
    ) -> Float[Tensor, "batch z y x outputs"]:
        """The head, or its first outputs; as a matrix, three times as fast as a convolution."""
        weight = self.head.get_parameter("weight")[:outputs].flatten(1)
        bias = self.head.get_parameter("bias")[:outputs]
        return nn.functional.linear(features.movedim(1, -1), weight, bias)


@final
class PatchEncoder(nn.Module):
    """The published encoder: four convolutions of kernel 5 on a patch of 10 x 10 x 10 voxels.

    Sides 10 -> 6 -> 4 -> 2 -> 2, then a fully connected layer, then the posterior. Three of the
    convolutions pad, so each patch has to be encoded by itself.

    Args:
        in_channels: Channels of the volume.
        channels: Filters of the four convolutions (paper: 16, 32, 64, 128).
        hidden: Width of the fully connected layer (paper: 300).
        dim: Dimension of a code.

    Source:
        Hsu et al. (2021), supplement; paddings as in the published code.
        https://arxiv.org/abs/2012.01644
    """

    patch_size = 10

    def __init__(self, in_channels: int, channels: Sequence[int], hidden: int, dim: int) -> None:
        super().__init__()
        widths = itertools.pairwise([in_channels, *channels])
        layers: list[nn.Module] = []
        for (before, after), padding in zip(widths, (0, 1, 1, 2), strict=True):
            layers += [nn.Conv3d(before, after, 5, padding=padding), nn.ReLU()]
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels[-1] * 2**3, hidden)
        self.head = nn.Linear(hidden, dim + 1)
        nn.init.constant_(_bias(self.head)[dim:], _START_RAW_SCALE)

    def forward(self, patches: Float[Tensor, "batch channels 10 10 10"]) -> Posterior:
        """Posteriors of patches, means ``(batch, dim)`` and scales ``(batch, 1)``."""
        features = self.convolutions(patches).flatten(1)
        mean_code, raw_scale = self.head(torch.relu(self.hidden(features))).tensor_split(
            [-1], dim=-1
        )
        return Posterior(mean_code, positive(raw_scale))


def _bias(layer: nn.Conv3d | nn.Linear) -> Tensor:
    return layer.get_parameter("bias").data


def _convolved(
    features: Float[Tensor, "batch channels Z Y X"],
    weight: Float[Tensor, "filters channels 3 3 3"],
    bias: Float[Tensor, "filters"],
    dilation: int,
) -> Float[Tensor, "batch filters z y x"]:
    """A convolution without padding, channels last."""
    if not (
        torch.is_inference_mode_enabled()
        and features.device.type == "cpu"
        and features.dtype == torch.float32
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    ):
        return nn.functional.conv3d(features, weight, bias, dilation=dilation)
    # conv3d has oneDNN compute only what channels x z x y > 20,480 makes look large, and takes one
    # channel for channels first: measured, a first layer of one channel takes four times as long.
    voxels, taps = (
        torch.empty_like(one, memory_format=torch.channels_last_3d).copy_(one)
        if one.shape[1] == 1
        else one.contiguous(memory_format=torch.channels_last_3d)
        for one in (features, weight)
    )
    return torch.mkldnn_convolution(voxels, taps, bias, [0] * 3, [1] * 3, [dilation] * 3, 1)
