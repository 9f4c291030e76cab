"""Transposed gyroplane convolutions: from a volume of codes to a finer volume of features."""

import abc
import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gyrovox.geometry import Euclidean, Manifold
from gyrovox.geometry.curvature import Curvature, root_of, value_of

from .gyroplane import curvature_of, reset_plane_parameters
from .joined_window import by_group, joined_responses
from .plane_sum import plane_sum
from .window import Size, Window, window_of
from .window_planes import Meaning, planes_of


class _PlaneConvTranspose3d(nn.ConvTranspose3d, abc.ABC):
    """Parameters and starting values: the same for a convolution and its Euclidean twin."""

    def __init__(  # noqa: PLR0917 - the order of nn.ConvTranspose3d, less its bias
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        dilation: Size = 1,
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
            output_padding,
            groups,
            bias=False,
            dilation=dilation,
        )
        self.window = window_of(self)
        self.planes = planes_of(self, dim=dim, meaning=meaning)
        shape = (in_channels, out_channels // groups, *self.planes.window)
        self.weight = nn.Parameter(torch.empty(shape))
        self.offset = nn.Parameter(torch.empty(self.planes.offset_shape(out_channels)))
        # One voxel in so many of a window is more than a code of the origin.
        present = self.planes.joined // math.prod(self.window.stride)
        reset_plane_parameters(
            self.weight,
            self.offset,
            inputs=max(self.planes.in_group, present),
            gain=self.planes.shrink,
        )

    @abc.abstractmethod
    def forward(  # type: ignore[override]
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        """Features, shape ``(batch, out_channels, z', y', x')``, of codes."""

    def _normals(self) -> Float[Tensor, "features in_group z y x"]:
        """The weights in the order of ``nn.Conv3d``: outputs first."""
        return _swap_channels(self.weight, self.groups)

    def _scattered(
        self,
        values: Float[Tensor, "batch channels z y x"],
        kernel: Float[Tensor, "channels members z_kernel y_kernel x_kernel"],
        *,
        groups: int = 1,
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        """``nn.functional.conv_transpose3d`` with this layer's window."""
        return nn.functional.conv_transpose3d(
            values,
            kernel,
            stride=self.stride,
            padding=_integers(self.padding),
            output_padding=self.output_padding,
            groups=groups,
            dilation=self.dilation,
        )

    def _scattered_by_group(
        self,
        values: Float[Tensor, "batch channels z y x"],
        kernel: Float[Tensor, "features in_group z_kernel y_kernel x_kernel"],
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        """What values scatter within their groups, with a kernel in the order of ``nn.Conv3d``."""
        return self._scattered(values, _swap_channels(kernel, self.groups), groups=self.groups)

    def extra_repr(self) -> str:
        window: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{window}, {self.planes}"


@final
class GyroplaneConvTranspose3d(_PlaneConvTranspose3d):
    r"""Transposed gyroplane convolution: ``nn.ConvTranspose3d`` for volumes of codes.

    It is `GyroplaneConv3d`, of any meaning, over a finer volume that holds the given codes every
    ``stride`` voxels and codes of the origin everywhere else, with the window turned around:

    .. math::
        y_o(q) = \sum_m \sum_δ f_{omδ}(\tilde u_m(q - δ)), \quad
        \tilde u(q) = u(r) \text{ where } q = \text{stride} \cdot r, \text{ else } 0

    for ``per_offset``; ``shared`` has f_om for all δ, and ``concatenated`` joins the ũ_m(q − δ) of
    a window into one point. The origins' responses −4 ‖Z‖ r are known, and are not computed voxel
    by voxel: ``per_offset`` adds the f_omδ(u_m(r)) to the voxels that they reach, and to a voxel
    that some δ does not reach, the response of the origin for that δ. Why absent codes are origins
    and are not left out is in docs/decisions/0008; for ``shared`` and ``per_offset`` the two differ
    by a pattern that does not depend on the codes. The limit κ → 0 is ``nn.ConvTranspose3d`` with
    one bias everywhere.

    Args:
        in_channels: Channels of the input: all coordinates of all the codes of a voxel.
        out_channels: Number of outputs.
        kernel_size: As in ``nn.ConvTranspose3d``, (z, y, x).
        stride: As in ``nn.ConvTranspose3d``.
        padding: As in ``nn.ConvTranspose3d``: what is cut off at each side.
        output_padding: As in ``nn.ConvTranspose3d``.
        groups: As in ``nn.ConvTranspose3d``; each group has its own codes.
        dilation: As in ``nn.ConvTranspose3d``.
        dim: Dimension d of one code; ``in_channels / groups`` must be a multiple of it. One code
            per voxel and group if None.
        meaning: ``"shared"``, ``"per_offset"`` or ``"concatenated"``, as in `GyroplaneConv3d`.
        curvature: Sectional curvature κ < 0, in 1 / length²: a number, or a 0-dim tensor, which
            is learned if it is an ``nn.Parameter``.

    Input is ``(batch, in_channels, z, y, x)``, the coordinates of a code beside one another in the
    channels (``channels * dim``); output ``(batch, out_channels, z', y', x')`` are real features.

    Raises:
        ValueError: If ``in_channels / groups`` is no multiple of ``dim``, or there is no such
            meaning.

    Source:
        The transpose of `GyroplaneConv3d`, whose sources are Hsu et al. (2021), equation 7,
        https://arxiv.org/abs/2012.01644, and Shimizu, Mukuta & Harada (2021), sections 3.1, 3.3
        and 3.4, https://arxiv.org/abs/2006.08210. Neither paper has a transposed layer.
    """

    def __init__(  # noqa: PLR0917 - the order of nn.ConvTranspose3d, less its bias
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        dilation: Size = 1,
        *,
        dim: int | None = None,
        meaning: Meaning = "concatenated",
        curvature: Curvature = -1.0,
    ) -> None:
        root_of(curvature)
        window = (kernel_size, stride, padding, output_padding, groups, dilation)
        super().__init__(in_channels, out_channels, *window, dim=dim, meaning=meaning)
        self.curvature = curvature

    def forward(  # type: ignore[override]
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        normals = self._normals()
        if self.planes.meaning == "concatenated":
            return joined_responses(
                codes,
                normals,
                self.offset,
                self._scattered_by_group,
                groups=self.groups,
                shrink=self.planes.shrink,
                curvature=self.curvature,
            )
        shared = self.planes.meaning == "shared"
        responses = plane_sum(
            by_group(codes, codes.shape[1] // self.planes.dim),
            *self.planes.by_offset(normals, self.offset),
            window=Window() if shared else self.window,
            groups=self.groups,
            transposed=not shared,
            curvature=self.curvature,
        )
        if shared:
            ones = codes.new_ones(self.out_channels, 1, *self.kernel_size)
            reached = self._scattered(responses, ones, groups=self.out_channels)
        else:
            reached = self._cut(responses)
        return reached + self._of_origins(codes, normals)

    def _of_origins(
        self,
        codes: Float[Tensor, "batch channels z y x"],
        normals: Float[Tensor, "features in_group z_window y_window x_window"],
    ) -> Float[Tensor, "1 features z_out y_out x_out"]:
        """What the codes of the origin give, that stand where no code is."""
        bias = self.planes.flat(normals, self.offset)[1]
        by_offset = self.planes.at_origin(normals, self.offset).expand(-1, *self.kernel_size)
        present = codes.new_ones(1, 1, *codes.shape[2:])
        return bias.view(-1, 1, 1, 1) - self._scattered(present, by_offset.unsqueeze(0))

    def _cut(
        self, volume: Float[Tensor, "batch features z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        """All voxels that codes reach, less ``padding`` at each side, and ``output_padding``."""
        sides = zip(_integers(self.padding), self.output_padding, strict=True)
        ends = [end for cut, more in reversed(list(sides)) for end in (-cut, more - cut)]
        return nn.functional.pad(volume, ends)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, curvature={value_of(self.curvature):g}"


@final
class EuclideanPlaneConvTranspose3d(_PlaneConvTranspose3d):
    """The Euclidean twin of `GyroplaneConvTranspose3d`: its limit κ → 0, an ``nn.ConvTranspose3d``.

    The same parameters with the same starting values. Arguments are those of
    `GyroplaneConvTranspose3d`, less the curvature.
    """

    def forward(  # type: ignore[override]
        self, codes: Float[Tensor, "batch channels z y x"]
    ) -> Float[Tensor, "batch features z_out y_out x_out"]:
        kernel, bias = self.planes.flat(self._normals(), self.offset)
        return self._scattered_by_group(codes, kernel) + bias.view(-1, 1, 1, 1)


def plane_conv_transpose3d(
    manifold: Manifold,
    in_channels: int,
    out_channels: int,
    kernel_size: Size,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
    dim: int | None = None,
    meaning: Meaning = "concatenated",
) -> GyroplaneConvTranspose3d | EuclideanPlaneConvTranspose3d:
    """The transposed convolution layer that takes volumes of codes of a manifold.

    Args:
        manifold: Where the codes live.
        in_channels: See `GyroplaneConvTranspose3d`, as for all that follow.
        out_channels: Number of outputs.
        kernel_size: As in ``nn.ConvTranspose3d``.
        stride: As in ``nn.ConvTranspose3d``.
        padding: As in ``nn.ConvTranspose3d``.
        output_padding: As in ``nn.ConvTranspose3d``.
        groups: As in ``nn.ConvTranspose3d``.
        dilation: As in ``nn.ConvTranspose3d``.
        dim: Dimension of one code.
        meaning: Which gyroplanes a window meets.

    Returns:
        A layer from ``(batch, in_channels, z, y, x)`` to ``(batch, out_channels, z', y', x')``.
    """
    window = (kernel_size, stride, padding, output_padding, groups, dilation)
    if isinstance(manifold, Euclidean):
        return EuclideanPlaneConvTranspose3d(
            in_channels, out_channels, *window, dim=dim, meaning=meaning
        )
    return GyroplaneConvTranspose3d(
        in_channels,
        out_channels,
        *window,
        dim=dim,
        meaning=meaning,
        curvature=curvature_of(manifold),
    )


def _swap_channels(
    kernel: Float[Tensor, "channels members z y x"], groups: int
) -> Float[Tensor, "features in_group z y x"]:
    """From the order of ``nn.ConvTranspose3d`` to that of ``nn.Conv3d``, or back."""
    by_groups = kernel.reshape(groups, -1, *kernel.shape[1:])
    return by_groups.transpose(1, 2).flatten(0, 1)


def _integers(padding: str | tuple[int, ...]) -> tuple[int, ...]:
    """A padding as numbers: a transposed convolution has no other, whatever torch's types say."""
    return tuple(map(int, padding))
