"""β-concatenation: the points of a window joined into one, without ever gathering a window.

A curvature that is no finite negative number is a ``ValueError`` everywhere.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.geometry.curvature import Curvature
from gyrovox.geometry.gyroplane import signed_distance_of_products


def beta_shrink(joined: int, dim: int) -> float:
    """The factor B(n/2, 1/2) / B(d/2, 1/2) of β-concatenation: keeps the length of a random code.

    Args:
        joined: Dimension n of the joined point.
        dim: Dimension d of one point.

    Returns:
        What every code is multiplied by, at most 1.

    Source:
        Shimizu, Mukuta & Harada (2021), section 3.3. https://arxiv.org/abs/2006.08210
    """
    return math.exp(_log_beta(joined) - _log_beta(dim))


def joined_responses(
    codes: Float[Tensor, "batch channels z y x"],
    normals: Float[Tensor, "features in_group z_kernel y_kernel x_kernel"],
    offsets: Float[Tensor, " features"],
    convolve: Callable[[Tensor, Tensor], Tensor],
    *,
    groups: int,
    shrink: float,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "batch features z_out y_out x_out"]:
    """Responses of gyroplanes to the joined codes of windows: two convolutions and an asinh.

    Args:
        codes: Codes of single voxels, shape ``(batch, channels, z, y, x)``.
        normals: Normals Z, shape ``(features, channels / groups, *kernel)``.
        offsets: Half distances r of the gyroplanes from the origin, shape ``(features,)``.
        convolve: Sums of a volume over windows, with a kernel of the shape of ``nn.Conv3d``.
        groups: Into how many groups the channels fall.
        shrink: What every code is multiplied by, `beta_shrink`.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        2 ‖Z‖ d(exp_0 ū, H), shape ``(batch, features, z', y', x')``.

    Source:
        Shimizu, Mukuta & Harada (2021), sections 3.1, 3.3 and 3.4.
        https://arxiv.org/abs/2006.08210
    """
    sizes = torch.linalg.vector_norm(normals.flatten(1), dim=-1)
    directions = normals / sizes.view(-1, 1, 1, 1, 1).clamp_min(1e-12)
    ones = normals.new_ones((groups, 1, *normals.shape[2:]))
    squares = by_group((shrink * codes).square(), groups).sum(2)
    return joined_distances(
        convolve(codes, shrink * directions),
        convolve(squares, ones),
        sizes,
        offsets,
        curvature=curvature,
    )


def joined_distances(
    products: Float[Tensor, "batch features z y x"],
    squares: Float[Tensor, "batch groups z y x"],
    sizes: Float[Tensor, " features"],
    offsets: Float[Tensor, " features"],
    *,
    curvature: Curvature = -1.0,
) -> Float[Tensor, "batch features z y x"]:
    """Scaled signed distances of joined points to gyroplanes.

    Args:
        products: ⟨ū, Z / ‖Z‖⟩ of the joined codes ū, shape ``(batch, features, z, y, x)``.
        squares: ‖ū‖² for every group of features, shape ``(batch, groups, z, y, x)``.
        sizes: ‖Z‖, shape ``(features,)``.
        offsets: Half distances r of the gyroplanes from the origin, shape ``(features,)``.
        curvature: Sectional curvature κ < 0, in 1 / length².

    Returns:
        2 ‖Z‖ d(exp_0 ū, H), shape ``(batch, features, z, y, x)``.

    Source:
        `gyrovox.geometry.gyroplane.signed_distance_of_products`.
    """
    # sqrt has no slope at 0, where windows of nothing but origins are; below the least normal
    # number the clamp gives the slope 0 that an even function has there.
    lengths = squares.clamp_min(torch.finfo(squares.dtype).tiny).sqrt()
    groups = squares.shape[1]
    distances = signed_distance_of_products(
        by_group(products, groups),
        lengths.unsqueeze(2),
        _per_member(offsets, groups),
        factor=_per_member(2 * sizes, groups),
        curvature=curvature,
    )
    return distances.flatten(1, 2)


def by_group(
    values: Float[Tensor, "batch channels z y x"], groups: int
) -> Float[Tensor, "batch groups members z y x"]:
    """Channels split into the groups of a convolution.

    Args:
        values: Shape ``(batch, channels, z, y, x)``.
        groups: Their number, a divisor of the channels.

    Returns:
        Shape ``(batch, groups, channels / groups, z, y, x)``.
    """
    # Not −1: a batch of none would say nothing of it.
    return values.reshape(len(values), groups, values.shape[1] // groups, *values.shape[2:])


def _per_member(
    values: Float[Tensor, " features"], groups: int
) -> Float[Tensor, "groups members 1 1 1"]:
    """One value per feature, ready to meet what `by_group` gives."""
    return values.view(groups, -1, 1, 1, 1)


def _log_beta(dim: int) -> float:
    """Logarithm of B(dim / 2, 1 / 2), less the constant log Γ(1/2)."""
    return math.lgamma(dim / 2) - math.lgamma((dim + 1) / 2)
