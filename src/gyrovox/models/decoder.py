"""Decoders: from a code to the patch that it stands for. The first layer reads the code."""

from collections.abc import Sequence
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Laplace, Normal

from gyrovox.geometry import Manifold
from gyrovox.models.posterior import positive
from gyrovox.nn import EuclideanPlane, Gyroplane, plane_layer
from gyrovox.settings import FirstLayer

# Standard deviations of the volume. Voxels are stored in steps (8 bits: about this), and a noise
# finer than the step would have a likelihood without bound.
SMALLEST_NOISE = 0.02

Likelihood = Literal["laplace", "normal", "unit-normal"]


@final
class UpConvolutions(nn.Module):
    """Gyroplanes, then up-convolutions that add 2 voxels each to the side of the patch.

    Args:
        manifold: Where the codes live.
        dim: Dimension of a code.
        hidden: Number of gyroplanes.
        channels: Filters of the up-convolutions before the last.
        out_channels: Channels of what is rebuilt.
        first_layer: Whether it begins with gyroplanes.
    """

    def __init__(
        self,
        manifold: Manifold,
        dim: int,
        hidden: int,
        channels: Sequence[int],
        out_channels: int,
        *,
        first_layer: FirstLayer = "gyroplane",
    ) -> None:
        super().__init__()
        self.planes = _planes(manifold, dim, hidden, first_layer)
        layers: list[nn.Module] = [nn.ReLU(), nn.ConvTranspose3d(hidden, channels[0], 1)]
        for before, after in zip(channels, [*channels[1:], out_channels], strict=True):
            layers += [nn.ReLU(), nn.ConvTranspose3d(before, after, 3)]
        self.up = nn.Sequential(*layers)

    def forward(self, codes: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch channels z y x"]:
        """Patches, shape ``(batch, out_channels, size, size, size)``."""
        return torch.as_tensor(self.up(self.planes(codes)[:, :, None, None, None]))


@final
class PatchDecoder(nn.Module):
    """The published decoder, the encoder's mirror: gyroplanes, 2 -> 2 -> 4 -> 6 -> 10 voxels.

    Args:
        manifold: Where the codes live.
        dim: Dimension of a code.
        hidden: Number of gyroplanes (paper: 300).
        channels: Filters of the encoder's four convolutions, which are run through backwards.
        out_channels: Channels of what is rebuilt.
        first_layer: Whether it begins with gyroplanes.

    Source:
        Hsu et al. (2021), supplement; paddings as in the published code.
        https://arxiv.org/abs/2012.01644
    """

    def __init__(
        self,
        manifold: Manifold,
        dim: int,
        hidden: int,
        channels: Sequence[int],
        out_channels: int,
        *,
        first_layer: FirstLayer = "gyroplane",
    ) -> None:
        super().__init__()
        self.planes = _planes(manifold, dim, hidden, first_layer)
        self.width = channels[-1]
        self.spread = nn.Linear(hidden, self.width * 2**3)
        backwards = [*reversed(channels), out_channels]
        layers: list[nn.Module] = []
        for before, after, padding in zip(backwards[:-1], backwards[1:], (2, 1, 1, 0), strict=True):
            layers += [nn.ReLU(), nn.ConvTranspose3d(before, after, 5, padding=padding)]
        self.up = nn.Sequential(*layers)

    def forward(
        self, codes: Float[Tensor, "batch dim"]
    ) -> Float[Tensor, "batch channels 10 10 10"]:
        """Patches, shape ``(batch, out_channels, 10, 10, 10)``."""
        spread = self.spread(torch.relu(self.planes(codes)))
        return torch.as_tensor(self.up(spread.unflatten(-1, (self.width, 2, 2, 2))))


def _planes(
    manifold: Manifold, dim: int, hidden: int, first_layer: FirstLayer
) -> Gyroplane | EuclideanPlane | nn.Linear:
    """The first layer: planes of the manifold, or of its tangent space at the origin."""
    if first_layer == "tangent":
        return nn.Linear(dim, hidden)
    return plane_layer(manifold, dim, hidden)


def parameters_per_voxel(likelihood: Likelihood) -> int:
    """How many numbers a decoder gives for every voxel: a mean, and a scale where it is learned."""
    return 1 if likelihood == "unit-normal" else 2


def voxel_distribution(
    decoded: Float[Tensor, "batch parameters z y x"], likelihood: Likelihood
) -> Distribution:
    """The distribution of voxels that a decoder's output stands for.

    Args:
        decoded: Means, then (unless ``unit-normal``) raw scales, along the channel axis.
        likelihood: Family of the voxel noise.

    Returns:
        A distribution of batch shape ``(batch, channels, z, y, x)``.
    """
    if likelihood == "unit-normal":
        return Normal(decoded, torch.ones_like(decoded), validate_args=False)
    mean, raw_scale = decoded.chunk(2, dim=1)
    family = Laplace if likelihood == "laplace" else Normal
    return family(mean, positive(raw_scale) + SMALLEST_NOISE, validate_args=False)
