"""Gyroplane convolutions: convolution layers whose input is a volume of codes."""

import math
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.geometry import Euclidean, Manifold
from gyrovox.geometry.curvature import root_of
from gyrovox.geometry.gyroplane import signed_distance_of_products

from .gyroplane import reset_plane_parameters

Size: TypeAlias = int | tuple[int, int, int]
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]


@final
class GyroplaneConv3d(nn.Conv3d):
    r"""Concatenated gyroplane convolution: ``nn.Conv3d`` for volumes of codes.

    The n / d points of a window are joined into one point of the ball of dimension n by
    β-concatenation of their codes, and the joined point meets the gyroplanes of `Gyroplane`:

    .. math::
        f_o(r) = 2 ‖Z_o‖ \, d(\exp_0 \bar u(r), H_o), \quad
        \bar u(r) = \frac{B(n/2, 1/2)}{B(d/2, 1/2)} \left( u(r + δ) \right)_δ

    B is the beta function; the factor keeps the length of a random code. No window is ever
    gathered: ‖ū‖ and ⟨ū, Z⟩ are two convolutions.

    Args:
        in_channels: Channels of the input: all coordinates of all the codes of a voxel.
        out_channels: Number of gyroplanes.
        kernel_size: As in ``nn.Conv3d``, (z, y, x).
        stride: As in ``nn.Conv3d``.
        padding: As in ``nn.Conv3d``; zeros are codes of the origin.
        dilation: As in ``nn.Conv3d``.
        groups: As in ``nn.Conv3d``; each group joins its own points.
        padding_mode: As in ``nn.Conv3d``.
        dim: Dimension d of one code; ``in_channels / groups`` must be a multiple of it. One code
            per voxel and group if None.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Input is ``(batch, in_channels, z, y, x)``, the coordinates of a code beside one another in the
    channels (``channels * dim``); output ``(batch, out_channels, z', y', x')`` are real features.

    Raises:
        ValueError: If ``in_channels / groups`` is no multiple of ``dim``.

    Source:
        Shimizu, Mukuta & Harada (2021), sections 3.1, 3.3 and 3.4.
        https://arxiv.org/abs/2006.08210
    """

    def __init__(  # noqa: PLR0917 - the order of nn.Conv3d
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | Literal["same", "valid"] = 0,
        dilation: Size = 1,
        groups: int = 1,
        padding_mode: PaddingMode = "zeros",
        *,
        dim: int | None = None,
        curvature: float = -1.0,
    ) -> None:
        root_of(curvature)
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias=False,
            padding_mode=padding_mode,
        )
        self.curvature = curvature
        self.shrink = _beta_shrink(self.weight, dim)
        self.offset = nn.Parameter(torch.empty(out_channels))
        reset_plane_parameters(self.weight, self.offset, gain=self.shrink)

    def forward(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        size = torch.linalg.vector_norm(self.weight.flatten(1), dim=-1)
        direction = self.weight / size.view(-1, 1, 1, 1, 1).clamp_min(1e-12)
        products: Tensor = self._conv_forward(codes, self.shrink * direction, None)
        # sqrt has no slope at 0, where windows of nothing but origins are; below the least normal
        # number the clamp gives the slope 0 that an even function has there.
        square = self._window_square(codes).clamp_min(torch.finfo(codes.dtype).tiny)
        distances = signed_distance_of_products(
            _by_group(products, self.groups),
            (self.shrink * square.sqrt()).unsqueeze(2),
            _by_group(_per_channel(self.offset), self.groups),
            factor=_by_group(_per_channel(2 * size), self.groups),
            curvature=self.curvature,
        )
        return distances.flatten(1, 2)

    def _window_square(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch groups z_out y_out x_out"]:
        """Sum of the squares of all the coordinates that a window and group hold."""
        squares = _by_group(codes.square(), self.groups).sum(2)
        ones = self.weight.new_ones((self.groups, 1, *self.kernel_size))
        square: Tensor = self._conv_forward(squares, ones, None)
        return square

    def extra_repr(self) -> str:
        window: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{window}, curvature={self.curvature:g}"


@final
class EuclideanPlaneConv3d(nn.Conv3d):
    r"""The Euclidean twin of `GyroplaneConv3d`: its limit κ → 0, an ``nn.Conv3d``.

    .. math:: f_o(r) = 4 (⟨Z_o, \bar u(r)⟩ - ‖Z_o‖ r_o)

    The same parameters with the same starting values, and the same β-concatenation. Arguments are
    those of `GyroplaneConv3d`, less the curvature.
    """

    def __init__(  # noqa: PLR0917 - the order of nn.Conv3d
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | Literal["same", "valid"] = 0,
        dilation: Size = 1,
        groups: int = 1,
        padding_mode: PaddingMode = "zeros",
        *,
        dim: int | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias=False,
            padding_mode=padding_mode,
        )
        self.shrink = _beta_shrink(self.weight, dim)
        self.offset = nn.Parameter(torch.empty(out_channels))
        reset_plane_parameters(self.weight, self.offset, gain=self.shrink)

    def forward(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        size = torch.linalg.vector_norm(self.weight.flatten(1), dim=-1)
        shift = -4 * size * self.offset
        features: Tensor = self._conv_forward(codes, 4 * self.shrink * self.weight, shift)
        return features


def plane_conv3d(
    manifold: Manifold,
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    *,
    stride: Size = 1,
    padding: Size | Literal["same", "valid"] = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: PaddingMode = "zeros",
    dim: int | None = None,
) -> GyroplaneConv3d | EuclideanPlaneConv3d:
    """The convolution layer that takes volumes of codes of a manifold.

    Args:
        manifold: Where the codes live.
        in_channels: See `GyroplaneConv3d`, as for all that follow.
        out_channels: Number of planes.
        kernel_size: As in ``nn.Conv3d``.
        stride: As in ``nn.Conv3d``.
        padding: As in ``nn.Conv3d``.
        dilation: As in ``nn.Conv3d``.
        groups: As in ``nn.Conv3d``.
        padding_mode: As in ``nn.Conv3d``.
        dim: Dimension of one code.

    Returns:
        A layer from ``(batch, in_channels, z, y, x)`` to ``(batch, out_channels, z', y', x')``.
    """
    window = (kernel_size, stride, padding, dilation, groups, padding_mode)
    if isinstance(manifold, Euclidean):
        return EuclideanPlaneConv3d(in_channels, out_channels, *window, dim=dim)
    return GyroplaneConv3d(
        in_channels, out_channels, *window, dim=dim, curvature=manifold.curvature
    )


def _beta_shrink(weight: Tensor, dim: int | None) -> float:
    """The factor B(n/2, 1/2) / B(d/2, 1/2) of β-concatenation, n = numbers in a window.

    Raises:
        ValueError: If the channels of a group hold no whole number of codes.
    """
    in_group = weight.shape[1]
    if dim is None:
        dim = in_group
    if dim < 1 or in_group % dim:
        raise ValueError(
            f"in_channels / groups must be a multiple of dim, the dimension of one code, and is "
            f"{in_group} with dim={dim}. Give every group a whole number of codes."
        )
    joined = weight[0].numel()
    return math.exp(_log_beta(joined) - _log_beta(dim))


def _log_beta(dim: int) -> float:
    """Logarithm of B(dim / 2, 1 / 2), less the constant log Γ(1/2)."""
    return math.lgamma(dim / 2) - math.lgamma((dim + 1) / 2)


def _per_channel(values: Float[Tensor, " channels"]) -> Float[Tensor, "1 channels 1 1 1"]:
    """One value per channel, ready to meet (batch, channels, z, y, x)."""
    return values.view(1, -1, 1, 1, 1)


def _by_group(
    values: Float[Tensor, "batch channels z y x"], groups: int
) -> Float[Tensor, "batch groups members z y x"]:
    """Channels split into the groups of the convolution."""
    return values.reshape(len(values), groups, -1, *values.shape[2:])
