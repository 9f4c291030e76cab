"""What the parameters of a convolution over codes stand for: the gyroplanes of a window."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .joined_window import beta_shrink
from .window import Triple, window_of

Meaning: TypeAlias = Literal["shared", "per_offset", "concatenated"]


@dataclass(frozen=True, kw_only=True)
class WindowPlanes:
    """The gyroplanes that a window of codes meets.

    Raises:
        ValueError: If a group holds no whole number of codes, or there is no such meaning.
    """

    meaning: Meaning
    """One gyroplane per code of a voxel, one per code of the window, or one per window."""

    dim: int
    """Dimension of one code."""

    in_group: int
    """Numbers that a voxel and group hold: a multiple of the dimension."""

    groups: int
    """Groups of channels that do not meet."""

    kernel: Triple
    """Voxels of a window, (z, y, x)."""

    def __post_init__(self) -> None:
        if self.meaning not in get_args(Meaning):
            raise ValueError(
                f"meaning must be 'shared', 'per_offset' or 'concatenated', and is "
                f"{self.meaning!r}. Choose one."
            )
        if self.dim < 1 or self.in_group % self.dim:
            raise ValueError(
                f"in_channels / groups must be a multiple of dim, the dimension of one code, and "
                f"is {self.in_group} with dim={self.dim}. Give every group a whole number of codes."
            )

    def __str__(self) -> str:
        return f"meaning={self.meaning}, dim={self.dim}"

    @property
    def window(self) -> Triple:
        """Offsets that have gyroplanes of their own: the kernel, or one for all."""
        return (1, 1, 1) if self.meaning == "shared" else self.kernel

    @property
    def joined(self) -> int:
        """Numbers that a window and group hold."""
        return self.in_group * math.prod(self.kernel)

    @property
    def shrink(self) -> float:
        """What codes are multiplied by: the factor of β-concatenation, where they are joined."""
        return beta_shrink(self.joined, self.dim) if self.meaning == "concatenated" else 1.0

    def offset_shape(self, out_channels: int) -> tuple[int, ...]:
        """Shape of the offsets: one per gyroplane.

        Args:
            out_channels: Number of outputs.

        Returns:
            ``(out_channels,)``, or ``(out_channels, codes per group, *window)``.
        """
        if self.meaning == "concatenated":
            return (out_channels,)
        return (out_channels, self.in_group // self.dim, *self.window)

    def by_offset(
        self, weight: Float[Tensor, "features in_group z y x"], offset: Float[Tensor, "..."]
    ) -> tuple[Float[Tensor, "offsets codes members dim"], Float[Tensor, "offsets codes members"]]:
        """Gyroplanes of single codes, as `plane_sum` takes them.

        Args:
            weight: Normals, shape ``(features, in_group, *window)``.
            offset: Half distances from the origin, shape ``(features, codes per group, *window)``.

        Returns:
            Normals, shape ``(offsets, codes, members, dim)``, and half distances, shape
            ``(offsets, codes, members)``.
        """
        single = (self.groups, -1, self.in_group // self.dim)
        normals = weight.reshape(*single, self.dim, math.prod(self.window))
        halves = offset.reshape(*single, math.prod(self.window))
        # From (groups, members, codes, dim, offsets) and (groups, members, codes, offsets).
        return (
            normals.permute(4, 0, 2, 1, 3).flatten(1, 2),
            halves.permute(3, 0, 2, 1).flatten(1, 2),
        )

    def at_origin(
        self, weight: Float[Tensor, "features in_group z y x"], offset: Float[Tensor, "..."]
    ) -> Float[Tensor, "features z_window y_window x_window"]:
        """What codes of the origin give: −4 ‖Z‖ r, at every curvature.

        Args:
            weight: Normals, shape ``(features, in_group, *window)``.
            offset: Half distances from the origin, of `offset_shape`.

        Returns:
            For every offset of the window the sum over the codes of a voxel, shape
            ``(features, *window)``; shape ``(features, 1, 1, 1)`` where codes are joined.
        """
        if self.meaning == "concatenated":
            size = torch.linalg.vector_norm(weight.flatten(1), dim=-1)
            joined: Tensor = -4 * size * offset
            return joined.view(-1, 1, 1, 1)
        single = weight.view(len(weight), -1, self.dim, *self.window)
        sizes = torch.linalg.vector_norm(single, dim=2)
        total: Tensor = -4 * (sizes * offset).sum(1)
        return total

    def flat(
        self, weight: Float[Tensor, "features in_group z y x"], offset: Float[Tensor, "..."]
    ) -> tuple[
        Float[Tensor, "features in_group z_kernel y_kernel x_kernel"], Float[Tensor, " features"]
    ]:
        """Kernel and bias of the Euclidean convolution that is the limit κ → 0.

        Args:
            weight: Normals, shape ``(features, in_group, *window)``.
            offset: Half distances from the origin, of `offset_shape`.

        Returns:
            Kernel, shape ``(features, in_group, *kernel)``, and bias, shape ``(features,)``: what
            a window of origins gives.
        """
        repeats = math.prod(self.kernel) // math.prod(self.window)
        bias = repeats * self.at_origin(weight, offset).flatten(1).sum(1)
        return 4 * self.shrink * weight.expand(-1, -1, *self.kernel), bias


def planes_of(
    layer: nn.Conv3d | nn.ConvTranspose3d, *, dim: int | None, meaning: Meaning
) -> WindowPlanes:
    """The gyroplanes that a window of a convolution layer meets.

    Args:
        layer: Whose channels, groups and kernel they are.
        dim: Dimension of one code; all numbers of a voxel and group if None.
        meaning: ``"shared"``, ``"per_offset"`` or ``"concatenated"``.

    Returns:
        The gyroplanes.
    """
    in_group = layer.in_channels // layer.groups
    return WindowPlanes(
        meaning=meaning,
        dim=in_group if dim is None else dim,
        in_group=in_group,
        groups=layer.groups,
        kernel=window_of(layer).kernel,
    )
