"""Deep embedded clustering: soft assignments, and the sharper ones they are drawn to."""

import torch
from torch import nn


class ClusteringLayer(nn.Module):
    """Soft assignments of codes to centres that are learned, by Student's t distribution.

    .. math::
        q_{ij} = (1 + ‖z_i - μ_j‖^2)^{-1} / Σ_{j'} (1 + ‖z_i - μ_{j'}‖^2)^{-1}

    Args:
        centres: To begin with, shape (clusters, features).

    Source:
        Xie, Girshick & Farhadi (2016), eq. 1 with one degree of freedom.
        https://arxiv.org/abs/1511.06335
    """

    def __init__(self, centres: torch.Tensor) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres.clone())

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Assignments (points, clusters) of codes (points, features); rows sum to 1."""
        squares = (codes[:, None] - self.centres).square().sum(-1)
        closeness = 1 / (1 + squares)
        return closeness / closeness.sum(1, keepdim=True)


def sharpened(assignments: torch.Tensor) -> torch.Tensor:
    r"""Target assignments: squared, and divided by how large each cluster is.

    .. math::
        p_{ij} = (q_{ij}^2 / f_j) / Σ_{j'} (q_{ij'}^2 / f_{j'}), \quad f_j = Σ_i q_{ij}

    Source:
        Xie, Girshick & Farhadi (2016), eq. 3. https://arxiv.org/abs/1511.06335
    """
    weight = assignments.square() / assignments.sum(0)
    return weight / weight.sum(1, keepdim=True)


def divergence(target: torch.Tensor, assignments: torch.Tensor) -> torch.Tensor:
    """KL divergence of assignments from their target, a mean over the points (eq. 2)."""
    return nn.functional.kl_div(assignments.log(), target, reduction="batchmean")
