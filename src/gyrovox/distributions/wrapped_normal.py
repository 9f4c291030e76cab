"""The wrapped normal distribution on codes."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gyrovox.geometry import Euclidean

from .code_distribution import CodeDistribution


@final
class WrappedNormal(CodeDistribution):
    r"""Normal distribution of a tangent space, wrapped onto the manifold.

    .. math::
        \log p(z) = \log N(λ_μ \log_μ z; 0, Σ) + (d - 1) \log \frac{s r}{\sinh s r},
        \quad r = d(μ, z), \; s = \sqrt{-κ}

    In the manners of ``torch.distributions``, with codes for points. Its KL divergences have no
    closed form; `monte_carlo_kl` estimates them.

    Args:
        mean_code: Code of the mean μ, shape ``(*batch, dim)``.
        scale: Standard deviations of v, lengths > 0, shape ``(*batch, 1)`` (isotropic) or
            ``(*batch, dim)`` (diagonal: along the axes of the ball, carried from 0 to μ).
        manifold: Where the codes live. On `Euclidean` this is `Normal`.
        validate_args: As for `CodeDistribution`.

    Raises:
        ValueError: If shapes do not fit together, or a scale is not positive.

    Source:
        Mathieu et al. (2019), section 3.2 and eq. 4; Nagano et al. (2019).
        https://arxiv.org/abs/1901.06033
    """

    def _with_mean(self, mean_code: Float[Tensor, "*batch dim"]) -> "WrappedNormal":
        return WrappedNormal(mean_code, self.scale, manifold=self.manifold, validate_args=False)

    def _tangent_samples(self, shape: torch.Size) -> Float[Tensor, "*shape dim"]:
        return self._noise(shape) * self.scale

    def _log_density(
        self, mahalanobis: Float[Tensor, "*shape"], radius: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        dim = self.event_shape[0]
        flat = _log_normal(mahalanobis, self.scale, dim)
        return flat - (dim - 1) * self.manifold.log_volume_ratio(radius)


@final
class Normal(CodeDistribution):
    r"""The Euclidean twin: N(mean_code, (scale / 2)²) in coordinates, lengths being doubled there.

    With respect to the volume of the metric 4 I, which is 2^d times that of the coordinates.
    ``torch.distributions.kl_divergence`` of two of them is in closed form.

    Args:
        mean_code: Means, shape ``(*batch, dim)``.
        scale: Standard deviations in the metric 4 I, > 0, shape ``(*batch, 1)`` or
            ``(*batch, dim)``.
        validate_args: As for `CodeDistribution`.

    Raises:
        ValueError: If shapes do not fit together, or a scale is not positive.
    """

    def __init__(
        self,
        mean_code: Float[Tensor, "*#batch dim"],
        scale: Float[Tensor, "*#batch scales"],
        *,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(mean_code, scale, manifold=Euclidean(), validate_args=validate_args)

    def _with_mean(self, mean_code: Float[Tensor, "*batch dim"]) -> "Normal":
        return Normal(mean_code, self.scale, validate_args=False)

    def _tangent_samples(self, shape: torch.Size) -> Float[Tensor, "*shape dim"]:
        return self._noise(shape) * self.scale

    def _log_density(
        self, mahalanobis: Float[Tensor, "*shape"], radius: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        return _log_normal(mahalanobis, self.scale, self.event_shape[0])


def _log_normal(
    mahalanobis: Float[Tensor, "*shape"], scale: Float[Tensor, "*#batch scales"], dim: int
) -> Float[Tensor, "*shape"]:
    """Log density of the flat normal distribution, one scale standing for all axes."""
    log_determinant = scale.log().sum(-1) * (dim // scale.shape[-1])
    return -0.5 * (mahalanobis + dim * math.log(2 * math.pi)) - log_determinant
