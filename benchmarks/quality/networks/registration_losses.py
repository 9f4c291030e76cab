"""What a registration is judged by: local correlation, and how smooth a field is."""

import torch
from torch import Tensor
from torch.nn import functional

_SMALL = 1e-5  # of a variance of images of variance 1: windows that are constant count nothing


def local_correlation(one: Tensor, other: Tensor, *, window: int) -> Tensor:
    r"""Mean of the squared correlation of two images in windows around every voxel.

    .. math:: \frac{\mathrm{cov}(x, y)^2}{\mathrm{var}(x) \, \mathrm{var}(y)}

    Args:
        one: Shape (batch, channels, z, y, x).
        other: The same shape.
        window: Side of a window, odd.

    Returns:
        A scalar, 0 to 1.

    Source:
        Balakrishnan, Zhao, Sabuncu, Guttag & Dalca (2019), eq. 6.
        https://arxiv.org/abs/1809.05231
    """

    def mean(image: Tensor) -> Tensor:
        return functional.avg_pool3d(
            image, window, stride=1, padding=window // 2, count_include_pad=False
        )

    mean_one, mean_other = mean(one), mean(other)
    # Rounding may leave a variance below 0, where a window is constant.
    variance_one = (mean(one * one) - mean_one.square()).clamp(min=0)
    variance_other = (mean(other * other) - mean_other.square()).clamp(min=0)
    covariance = mean(one * other) - mean_one * mean_other
    return (covariance.square() / (variance_one * variance_other + _SMALL)).mean()


def roughness(field: Tensor, regions: Tensor | None = None) -> Tensor:
    """Mean square of the differences of neighbouring voxels.

    Args:
        field: Shape (batch, components, z, y, x).
        regions: Classes, shape (batch, 1, z, y, x): differences between two of them count nothing.

    Returns:
        A scalar; 0 for a constant field, or one that is constant in every region.
    """
    parts = []
    for axis in (2, 3, 4):
        change = field.diff(dim=axis).square()
        if regions is not None:
            change = change * (regions.diff(dim=axis) == 0)
        parts.append(change.mean())
    return torch.stack(parts).mean()
