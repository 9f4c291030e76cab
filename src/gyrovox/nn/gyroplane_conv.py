"""Gyroplane convolutions: convolution layers whose input is a volume of codes."""

import abc
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.geometry import Euclidean, Manifold
from gyrovox.geometry.curvature import Curvature, root_of, value_of

from .gyroplane import curvature_of, reset_plane_parameters
from .joined_window import by_group, joined_responses
from .plane_sum import plane_sum
from .window import PaddingMode, Size, Window, box_sum, padded, window_of
from .window_planes import Meaning, planes_of


class _PlaneConv3d(nn.Conv3d, abc.ABC):
    """Parameters and starting values: the same for a convolution and its Euclidean twin."""

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
        meaning: Meaning = "concatenated",
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
        self.window = window_of(self)
        self.planes = planes_of(self, dim=dim, meaning=meaning)
        self.weight = nn.Parameter(
            torch.empty(out_channels, self.planes.in_group, *self.planes.window)
        )
        self.offset = nn.Parameter(torch.empty(self.planes.offset_shape(out_channels)))
        reset_plane_parameters(
            self.weight, self.offset, inputs=self.planes.joined, gain=self.planes.shrink
        )

    @abc.abstractmethod
    def forward(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        """Features, shape ``(batch, out_channels, z', y', x')``, of codes."""

    def extra_repr(self) -> str:
        window: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{window}, {self.planes}"


@final
class GyroplaneConv3d(_PlaneConv3d):
    r"""Gyroplane convolution: ``nn.Conv3d`` for volumes of codes.

    With u_m(r) the code m of the voxel r, δ the offsets of the kernel's window, and
    f_{Z,r}(u) = 2 ‖Z‖ d(exp_0 u, H_{Z,r}) the response of `Gyroplane`, an output o is, by meaning:

    .. math::
        \text{shared:} \quad & y_o(r) = \sum_m \sum_δ f_{om}(u_m(r + δ)) \\
        \text{per\_offset:} \quad & y_o(r) = \sum_m \sum_δ f_{omδ}(u_m(r + δ)) \\
        \text{concatenated:} \quad & y_o(r) = f_o(\bar u(r)), \quad
        \bar u(r) = \frac{B(n/2, 1/2)}{B(d/2, 1/2)} \left( u_m(r + δ) \right)_{m,δ}

    ``shared`` is equation 7 of Hsu et al.: one gyroplane for all offsets. ``per_offset`` is that
    equation with a gyroplane for every offset, as a convolution has a weight for every offset.
    ``concatenated`` joins the n / d points of a window into one point of the ball of dimension n
    by β-concatenation (B is the beta function; the factor keeps the length of a random code).
    For a kernel of 1 and one code per voxel and group the three are one, and are `Gyroplane`.

    Padding with zeros puts voxels at the origin of the ball around the volume, in all three. There
    the response of a gyroplane is −4 ‖Z‖ r, not 0. So windows at the border have as many terms as
    others, and the limit κ → 0 is ``nn.Conv3d`` with its zero padding and one bias everywhere.

    No meaning gathers windows. ``concatenated`` is two convolutions, ``shared`` a box sum of
    responses, and ``per_offset`` adds one block of responses for one offset at a time and computes
    it again in backward: it keeps no more than its input and output. ``shared`` and ``per_offset``
    are differentiable once.

    Args:
        in_channels: Channels of the input: all coordinates of all the codes of a voxel.
        out_channels: Number of outputs.
        kernel_size: As in ``nn.Conv3d``, (z, y, x).
        stride: As in ``nn.Conv3d``.
        padding: As in ``nn.Conv3d``; zeros are codes of the origin.
        dilation: As in ``nn.Conv3d``.
        groups: As in ``nn.Conv3d``; each group has its own codes.
        padding_mode: As in ``nn.Conv3d``.
        dim: Dimension d of one code; ``in_channels / groups`` must be a multiple of it. One code
            per voxel and group if None.
        meaning: ``"shared"``, ``"per_offset"`` or ``"concatenated"``, as above.
        curvature: Sectional curvature κ < 0, in 1 / length²: a number, or a 0-dim tensor, which
            is learned if it is an ``nn.Parameter``.

    Input is ``(batch, in_channels, z, y, x)``, the coordinates of a code beside one another in the
    channels (``channels * dim``); output ``(batch, out_channels, z', y', x')`` are real features.

    Raises:
        ValueError: If ``in_channels / groups`` is no multiple of ``dim``, or there is no such
            meaning, or a window does not fit into the padded codes.

    Source:
        Hsu, Gu, Wu, Chiu & Yeung (2021), equation 7, for ``shared``,
        https://arxiv.org/abs/2012.01644. Shimizu, Mukuta & Harada (2021), sections 3.1, 3.3 and
        3.4, for ``concatenated`` and the parameters Z (``weight``) and r (``offset``) of all,
        https://arxiv.org/abs/2006.08210.
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
        meaning: Meaning = "concatenated",
        curvature: Curvature = -1.0,
    ) -> None:
        root_of(curvature)
        window = (kernel_size, stride, padding, dilation, groups, padding_mode)
        super().__init__(in_channels, out_channels, *window, dim=dim, meaning=meaning)
        self.curvature = curvature

    def forward(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        if self.planes.meaning == "concatenated":
            return joined_responses(
                codes,
                self.weight,
                self.offset,
                lambda values, kernel: self._conv_forward(values, kernel, None),
                groups=self.groups,
                shrink=self.planes.shrink,
                curvature=self.curvature,
            )
        normals, offsets = self.planes.by_offset(self.weight, self.offset)
        border = padded(codes, self)
        shared = self.planes.meaning == "shared"
        responses = plane_sum(
            by_group(border, border.shape[1] // self.planes.dim),
            normals,
            offsets,
            window=Window() if shared else self.window,
            groups=self.groups,
            curvature=self.curvature,
        )
        return box_sum(responses, self.window) if shared else responses

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, curvature={value_of(self.curvature):g}"


@final
class EuclideanPlaneConv3d(_PlaneConv3d):
    r"""The Euclidean twin of `GyroplaneConv3d`: its limit κ → 0, an ``nn.Conv3d``.

    Where the twin has f, this has 4 (⟨Z, u⟩ − ‖Z‖ r): every meaning is an ordinary convolution with
    a bias, ``shared`` one whose weights are the same at all offsets. The same parameters with the
    same starting values. Arguments are those of `GyroplaneConv3d`, less the curvature.
    """

    def forward(
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        features: Tensor = self._conv_forward(codes, *self.planes.flat(self.weight, self.offset))
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
    meaning: Meaning = "concatenated",
) -> GyroplaneConv3d | EuclideanPlaneConv3d:
    """The convolution layer that takes volumes of codes of a manifold.

    Args:
        manifold: Where the codes live.
        in_channels: See `GyroplaneConv3d`, as for all that follow.
        out_channels: Number of outputs.
        kernel_size: As in ``nn.Conv3d``.
        stride: As in ``nn.Conv3d``.
        padding: As in ``nn.Conv3d``.
        dilation: As in ``nn.Conv3d``.
        groups: As in ``nn.Conv3d``.
        padding_mode: As in ``nn.Conv3d``.
        dim: Dimension of one code.
        meaning: Which gyroplanes a window meets.

    Returns:
        A layer from ``(batch, in_channels, z, y, x)`` to ``(batch, out_channels, z', y', x')``.
    """
    window = (kernel_size, stride, padding, dilation, groups, padding_mode)
    if isinstance(manifold, Euclidean):
        return EuclideanPlaneConv3d(in_channels, out_channels, *window, dim=dim, meaning=meaning)
    return GyroplaneConv3d(
        in_channels,
        out_channels,
        *window,
        dim=dim,
        meaning=meaning,
        curvature=curvature_of(manifold),
    )
